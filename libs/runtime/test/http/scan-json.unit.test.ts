import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  MAX_JSON_DEPTH,
  MAX_JSON_NAMES,
  MAX_JSON_VALUES,
  MAX_NAMES_PER_OBJECT,
  scanJson,
  type JsonFault,
} from '../../src/http/scan-json.ts'
import { slowScan } from './slow-scan.ts'

const scan = (text: string): JsonFault | undefined => scanJson(Buffer.from(text))
const scanBytes = (...parts: (string | number[])[]): JsonFault | undefined =>
  scanJson(Buffer.concat(parts.map((part) => Buffer.from(part as string))))

describe('a body is refused', () => {
  it.each([
    ['{"a":1,"a":2}', 7, 'the name "a" twice in one object'],
    ['{"a":1,"\\u0061":2}', 7, 'the name "a" twice in one object'],
    ['{"\\u0061":1 , "a" : 2}', 14, 'the name "a" twice in one object'],
    ['{"":1,"":2}', 6, 'the name "" twice in one object'],
    ['[{"x":{"b":1},"c":{"b":[{"b":1}],"d":0},"x":1}]', 40, 'the name "x" twice in one object'],
    ['{"ä":1,"\\u00e4":2}', 8, 'the name "ä" twice in one object'],
    ['{"a\\n":1,"a\\u000a":2}', 9, 'the name "a\\n" twice in one object'],
    ['{"a"\n\t:1,"a"\r\n:1}', 9, 'the name "a" twice in one object'],
    ['{"__proto__":1}', 1, 'the name "__proto__"'],
    ['[[{"a":{"constructor":{}}}]]', 8, 'the name "constructor"'],
    ['{"a":{"prototype":1}}', 6, 'the name "prototype"'],
    ['{"__pr\\u006fto__":1}', 1, 'the name "__proto__"'],
    ['["\\u0000"]', 2, 'the character U+0000'],
    ['["a\0b"]', 3, 'the character U+0000'],
    ['["\\ud800"]', 2, 'half of a surrogate pair'],
    ['["\\udc00\\ud800"]', 2, 'half of a surrogate pair'],
    ['["\\uD83Dx"]', 2, 'half of a surrogate pair'],
    ['["\\ud83d\\n"]', 2, 'half of a surrogate pair'],
    ['{"\\udfff":1}', 2, 'half of a surrogate pair'],
    ['\ufeff{}', 0, 'a byte order mark'],
  ])('%j: at %i, with %s', (text, offset, reason) => {
    expect(scan(text)).toEqual({ offset, reason })
  })

  it.each([
    ['9007199254740993', '1e400', '-1e400', '1e-400', '-0', '-0.0', '-0e5', '-1e-999'],
    ['18446744073709551615', '9007199254740993.0', '9007199254740991.4', '9007199254740993e0'],
    ['1.00000000000000000001', '0.123456789012345678', '0.99999999999999999', `1${'0'.repeat(400)}`],
  ])('when JSON.parse would make another number of %s', (...texts) => {
    for (const text of texts.flat()) {
      expect([text, scan(`{"a":[${text}]}`)?.offset]).toEqual([text, 6])
      expect([text, scan(text)?.offset]).toEqual([text, 0])
    }
  })

  it.each([
    ['a byte that begins nothing', [0xff]],
    ['a lone continuation', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong NUL', [0xe0, 0x80, 0x80]],
    ['a surrogate written in UTF-8', [0xed, 0xa0, 0x80]],
    ['a pair of them', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
    ['what is above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['five bytes', [0xf8, 0x88, 0x80, 0x80, 0x80]],
    ['a sequence that is cut', [0xe2, 0x82]],
  ])('with %s where it stands', (_, bytes) => {
    expect(scanBytes('["aä€😀', bytes, '"]')).toEqual({ offset: 12, reason: 'bytes that are not UTF-8' })
    expect(scanBytes('["a', bytes)?.offset).toBe(3)
  })

  it('in UTF-16', () => {
    expect(scanJson(Buffer.from('{"a":1}', 'utf16le'))).toEqual({
      offset: 1,
      reason: 'the character U+0000',
    })
  })

  it('for what comes first, when it has several faults', () => {
    expect(scanBytes('{"a":1,"a":2,"b":"', [0xff])?.offset).toBe(7)
    expect(scanBytes('{"b":"', [0xff], '","a":1,"a":2}')?.offset).toBe(6)
    expect(scan('{"a":"\\u0000","b":"\0"}')?.offset).toBe(6)
    expect(scan('{"a":-0,"a":1}')?.offset).toBe(5)
  })
})

describe('a body may be parsed', () => {
  it.each([
    '{}',
    '',
    '"a"',
    '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
    '["a","a",{"b":"a","a":"b"},"b"]',
    '["__proto__",{"x":"constructor","y":["prototype"],"proto":1,"__proto":2,"constructors":3}]',
    '{"productId":1,"startedAt":2,"__proton_":3,"abc":4,"axc":5}',
    '{"x":{"b":1,"c":2},"b":{"c":3},"c":4}',
    '["\\u0001\\u00e4\\ud83d\\ude00😀\\\\u0000\\"\\/"]',
    '{"a":"\\\\","b":"\\\\\\"","c":1}',
    '{"\\\\u0000":1}',
    '[0,-1,0.1,-0.5,1e5,1E+5,2.5e-3,9007199254740991,-9007199254740991,9007199254740992,1e23,1e308,5e-324]',
    '[0.10000000000000001,123456789012345.6,1763726405123,100000000000000000000000,0e0,0.0,0E-5]',
    '["ä€😀\ufeff\u2028"]',
    '{"a":1}\n{"a":2}\n{"a":3}\n',
  ])('%j', (text) => {
    expect(scan(text)).toBeUndefined()
  })

  it('with as many names, values and levels as the limits say, and no more', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    const objects = (depth: number): string => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth)
    const inOne = (count: number): string =>
      `{${Array.from({ length: count }, (_, index) => `"n${index}":0`).join()}}`
    const inOneEscaped = (count: number): string => inOne(count).replaceAll('"n', '"\\u006e')
    const inMany = (count: number): string => `[${Array<string>(count).fill('{"a":0}').join()}]`
    const values = (count: number): string => `[${'0,'.repeat(count - 1)}0]`
    for (const [build, limit] of [
      [nested, MAX_JSON_DEPTH],
      [objects, MAX_JSON_DEPTH],
      [inOne, MAX_NAMES_PER_OBJECT],
      [inOneEscaped, MAX_NAMES_PER_OBJECT],
      [inMany, MAX_JSON_NAMES],
      [values, MAX_JSON_VALUES],
    ] as const) {
      expect(scan(build(limit))).toBeUndefined()
      expect(scan(build(limit + 1))?.reason).toMatch(new RegExp(`^more than ${limit} `))
    }
  })

  it('with many names in one object, each once', () => {
    const names = Array.from({ length: 50 }, (_, index) => `"n${index}":{"n${index}":0}`)
    expect(scan(`{${names.join()}}`)).toBeUndefined()
    expect(scan(`{${names.join()},"n7":0}`)?.reason).toBe('the name "n7" twice in one object')
    expect(scan(`{${names.join()},"\\u006e49":0}`)?.reason).toBe('the name "n49" twice in one object')
  })
})

describe('the scan', () => {
  const text = fc.string({ unit: 'binary', maxLength: 12 })
  const key = fc.oneof(fc.constantFrom('a', 'b', 'ab', 'constructor', '\u0000'), text)
  const number = fc
    .oneof(fc.double({ noDefaultInfinity: true, noNaN: true }), fc.maxSafeInteger(), fc.bigInt().map(String))
    .map(String)
  const escaped = (value: string): string =>
    [...value].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')
  const string = fc.oneof(
    text.map((value) => JSON.stringify(value)),
    text.map((value) => `"${escaped(value)}"`),
    fc.constantFrom('"\\ud800"', '"\\udc00\\u0041"', '"\\u0000"', '"\\\\u0000"'),
  )
  const keyText = fc.oneof(
    key.map((value) => JSON.stringify(value)),
    key.map((value) => `"${escaped(value)}"`),
  )
  const space = fc.constantFrom('', '', ' ', '\n\t')
  const { document } = fc.letrec<{ document: string }>((tie) => ({
    document: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('null', 'true', '-0', '1e400', '12345678901234567890', '0.1'),
      number,
      string,
      fc
        .tuple(space, fc.array(tie('document'), { maxLength: 4 }))
        .map(([gap, items]) => `[${items.join(`${gap},`)}]`),
      fc
        .tuple(space, fc.array(fc.tuple(keyText, tie('document')), { maxLength: 20 }))
        .map(([gap, pairs]) => `{${pairs.map(([name, value]) => `${name}${gap}:${gap}${value}`).join()}}`),
    ),
  }))

  it('finds what a parser finds that reads one character after the other', () => {
    fc.assert(
      fc.property(document, (json) => {
        expect(scan(json)?.offset).toBe(slowScan(json))
      }),
      { numRuns: 2_000 },
    )
  })

  it('ends on any bytes', () => {
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .array(fc.constantFrom(...'{}[]:,"\\u0d8-+.eE1 \n\0'), { maxLength: 200 })
        .map((characters) => Buffer.from(characters.join(''))),
      fc.tuple(document, fc.nat()).map(([json, length]) => Buffer.from(json).subarray(0, length % 300)),
    )
    fc.assert(
      fc.property(garbage, (bytes) => {
        const fault = scanJson(Buffer.from(bytes))
        if (fault) expect(fault.offset).toBeLessThan(bytes.length)
      }),
      { numRuns: 5_000 },
    )
  })

  it('leaves nothing behind for the next one', () => {
    for (const bad of ['{"a":1,"b":{"a":', '[[[[', '{"a":1,"a"', '{"x\\u0000', `{${'"n":{'.repeat(40)}`])
      scan(bad)
    expect(scan('{"a":1,"b":2,"n":3}')).toBeUndefined()
  })
})

describe('a megabyte of anything', () => {
  const MIB = 1_048_576
  const filled = (piece: string, first = '', last = ''): string =>
    first + piece.repeat(Math.floor((MIB - first.length - last.length) / piece.length)) + last
  const numbered = (piece: (index: number) => string, count: number): string =>
    Array.from({ length: count }, (_, index) => piece(index)).join()
  const wide = (name: string): string =>
    `{${numbered((index) => `"${name}${index}":0`, MAX_NAMES_PER_OBJECT)}}`
  const WIDE_OBJECTS = Math.floor(MAX_JSON_NAMES / MAX_NAMES_PER_OBJECT)

  it.each([
    ['opening brackets', filled('[')],
    ['opening braces', filled('{"a":')],
    ['empty arrays', filled('[],')],
    ['spaces', filled(' ')],
    ['quotes', filled('"')],
    ['escapes', filled('\\u0041', '["', '"]')],
    ['escapes that are cut', filled('"\\u004')],
    ['backslashes', filled('\\', '"')],
    ['surrogates', filled('\\ud83d\\ude00', '["', '"]')],
    ['names', `[${numbered(() => wide('name'), WIDE_OBJECTS)}]`],
    ['names with an escape', `[${numbered(() => wide('\\u0061'), WIDE_OBJECTS)}]`],
    [
      'long names that differ in the middle',
      `{${numbered((i) => `"${filled('x').slice(0, 30_000)}${i}x":0`, 30)}}`,
    ],
    ['objects', filled('{"a":1,"b":2},', '[', '{}]')],
    ['fractions', `[${numbered(() => '0.59438261836123456', 50_000)}]`],
    ['exponents', `[${numbered(() => '1e5', 99_000)}]`],
    ['one integer', filled('9', '[', ']')],
    ['one fraction', filled('0', '[1.', '1]')],
    ['umlauts', filled('ä', '"', '"')],
  ])('of %s is scanned in no time', (_, text) => {
    const body = Buffer.from(text)
    const startedAt = performance.now()
    scanJson(body)
    // Some 20 ms on an ordinary machine; what is not linear takes minutes.
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })
})
