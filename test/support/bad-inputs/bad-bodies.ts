import { brotliCompressSync, gzipSync } from 'node:zlib'
import { bearer, MIB, type BadInput, type BadInputs, type Expected, type Target } from './bad-input.ts'

type Body = string | Buffer
type Write = NonNullable<Target['write']>

const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const refused = (detail: RegExp): Expected => ({ status: 400, detail })
const noJson = refused(/^the body is not JSON: .* line 1, column \d+$/)
const noUtf8 = refused(/not UTF-8, at byte \d+$/)
const unsafe = (reason: string): Expected => refused(new RegExp(`^the body has .*${reason}.*, at byte \\d+$`))

/** 37-40, 43-50: beside what the body is about. */
const badJson = ({ body }: Write): Readonly<Record<string, readonly [Body, Expected]>> => {
  const beside = (text: string): string => `{${text},${body.slice(1)}`
  const keys = Array.from({ length: 100_000 }, (_, index) => `"${index.toString(36)}":1`)
  return {
    '37: malformed JSON': ['{"a":', noJson],
    '37: a string that does not end': [`{"x":"${'c'.repeat(40)}`, noJson],
    '37: a string of 1 MB that does not end': [`{"x":"${'c\\n'.repeat(300_000)}`, noJson],
    '37: a line break in a string': [`{"x":"${'c'.repeat(1_000_000)}\n"}`, noJson],
    '37: JSON and something behind it': [`${body}x`, noJson],
    '38: an empty body': ['', noJson],
    '39: null': ['null', { status: 400 }],
    '39: an array': ['[]', { status: 400 }],
    '39: a string': ['"x"', { status: 400 }],
    '39: a number': ['42', { status: 400 }],
    '40: JSON 33 deep': [beside(`"x":${deep(32)}`), unsafe('levels')],
    '40: JSON 500,000 deep': [deep(500_000), unsafe('levels')],
    '40: brackets without end': ['['.repeat(MIB), unsafe('levels')],
    '43: 100,000 keys': [`{${keys.join(',')}}`, { status: 400, detail: /, at byte \d+$/ }],
    '43: 257 names in one object': [
      beside(`"x":{${keys.slice(0, 257).join(',')}}`),
      unsafe('names in one object'),
    ],
    '43: half a million elements': [beside(`"x":[${'1,'.repeat(500_000)}1]`), refused(/, at byte \d+$/)],
    '43: a million elements': [`[${'1,'.repeat(1_000_000)}1]`, { status: 413 }],
    '44: a key twice': [beside('"x":1,"x":2'), unsafe('twice')],
    '44: a key twice, once escaped': [beside(String.raw`"x":1,"\u0078":2`), unsafe('twice')],
    '45: a key __proto__': [beside('"__proto__":{"a":1}'), unsafe('__proto__')],
    '45: a key __proto__, escaped': [beside(String.raw`"\u005f_proto__":{"a":1}`), unsafe('__proto__')],
    '45: a key __proto__ deep inside': [beside('"x":[{"y":{"__proto__":1}}]'), unsafe('__proto__')],
    '45: a key constructor': [beside('"constructor":{}'), unsafe('constructor')],
    '45: a key prototype': [beside('"x":{"prototype":{}}'), unsafe('prototype')],
    '46: an unknown field': [beside('"x":1'), { status: 400, pointer: '/x' }],
    ...Object.fromEntries(
      ['tenant', '_id', 'version', 'position', 'role'].map((name) => [
        `28: a field ${name}`,
        [beside(`"${name}":"1"`), { status: 400, pointer: `/${name}` }] as const,
      ]),
    ),
    '48: 2^53 + 1': [beside('"x":9007199254740993'), unsafe('number')],
    '48: a number beyond all doubles': [beside('"x":1e400'), unsafe('number')],
    '48: minus nought': [beside('"x":-0'), unsafe('number')],
    '48: NaN': [beside('"x":NaN'), noJson],
    '49: a lone surrogate': [beside(String.raw`"x":"\ud800"`), unsafe('surrogate')],
    '49: a NUL, escaped': [beside(String.raw`"x":"a\u0000b"`), unsafe('U\\+0000')],
    '49: a NUL': [beside('"x":"a\0b"'), unsafe('U\\+0000')],
    '49: bytes that are no UTF-8': [Buffer.from(beside('"x":"\xff"'), 'latin1'), noUtf8],
    '49: UTF-16': [Buffer.from(body, 'utf16le'), { status: 400 }],
    '49: UTF-16 with its mark': [Buffer.from(`\ufeff${body}`, 'utf16le'), { status: 400 }],
  }
}

const NO_TYPE = { status: 415, headers: { accept: /application\/json/ } }
const NO_CODING = { status: 415, headers: { 'accept-encoding': 'identity' } }

/** 37-52: of a service that takes JSON. */
export const badBodies = ({ tokens }: Target, write: Write): BadInputs => {
  const { path } = write
  const sent = (body: Body, answer: Expected, headers: Record<string, string> = {}): BadInput => ({
    send: { method: 'POST', path, body, headers: { ...bearer(tokens.good), ...write.headers, ...headers } },
    answer,
  })
  const typed = (type: string): BadInput => sent(write.body, NO_TYPE, { 'content-type': type })
  const { 'content-type': _, ...untyped } = write.headers
  return {
    ...Object.fromEntries(
      Object.entries(badJson(write)).map(([name, [body, answer]]) => [name, sent(body, answer)]),
    ),
    '51: no content type': {
      send: { method: 'POST', path, body: write.body, headers: { ...bearer(tokens.good), ...untyped } },
      answer: NO_TYPE,
    },
    '51: another content type': typed('text/plain'),
    '51: another charset': typed('application/json; charset=utf-7'),
    '52: a compressed body': sent(gzipSync(write.body), NO_CODING, { 'content-encoding': 'gzip' }),
    ...badBombs(sent),
  }
}

const badBombs = (
  sent: (body: Body, answer: Expected, headers: Record<string, string>) => BadInput,
): BadInputs => ({
  '52: a bomb of gzip': sent(gzipSync(Buffer.alloc(64 * MIB)), NO_CODING, { 'content-encoding': 'gzip' }),
  '52: a bomb of brotli': sent(brotliCompressSync(Buffer.alloc(64 * MIB)), NO_CODING, {
    'content-encoding': 'br',
  }),
})

/** The same of one that takes no body at all. */
export const unwantedBodies = ({ tokens, read: { path } }: Target): BadInputs => {
  const sent = (body: Body, answer: Expected, headers: Record<string, string> = {}): BadInput => ({
    send: { path, body, headers: { ...bearer(tokens.good), ...headers } },
    answer,
  })
  const unwanted = refused(/takes no body/)
  return {
    '37: malformed JSON': sent('{"a":', unwanted),
    '39: null': sent('null', unwanted),
    '40: JSON 500,000 deep': sent(deep(500_000), unwanted),
    '43: half a million elements': sent(`[${'1,'.repeat(500_000)}1]`, unwanted),
    '45: a key __proto__': sent('{"__proto__":{"a":1}}', unwanted),
    '49: bytes that are no UTF-8': sent(Buffer.from([0xff]), unwanted),
    '52: a compressed body': sent(gzipSync('{}'), NO_CODING, { 'content-encoding': 'gzip' }),
    ...badBombs(sent),
  }
}
