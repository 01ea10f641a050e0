import { gzipSync } from 'node:zlib'
import type { HttpRequest } from '../../../test/support/http-client.ts'

export type BadRequest = HttpRequest & {
  readonly status: number
  /** In the problem's detail. */
  readonly detail?: RegExp
  /** First of the problem's `errors`. */
  readonly pointer?: string
}

const MIB = 1024 * 1024
const placeBody = {
  customerId: 'c-1',
  currency: 'EUR',
  lines: [{ productId: 'p-1', quantity: 1, amount: 5 }],
}
export const placeText = JSON.stringify(placeBody)
const line = (fields: string): string =>
  `{"customerId":"c-1","currency":"EUR","lines":[{"productId":"p-1",${fields}}]}`

export const headersWith = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  'content-type': 'application/json',
  'idempotency-key': 'bad-request',
  ...more,
})

const place = (more: Partial<HttpRequest>): HttpRequest => ({
  method: 'POST',
  path: '/orders/bad-1/place',
  headers: headersWith(),
  body: placeText,
  ...more,
})

const withHeader = (name: string, value: string): HttpRequest =>
  place({ headers: headersWith({ [name]: value }) })
const withBody = (body: string | Buffer): HttpRequest => place({ body })
const atPath = (path: string): HttpRequest => place({ path })
const pay = (body: string): HttpRequest => place({ path: '/orders/bad-1/pay', body })
const without = (name: string): HttpRequest =>
  place({ headers: Object.fromEntries(Object.entries(headersWith()).filter(([key]) => key !== name)) })
const withOccurredAt = (value: unknown): HttpRequest =>
  withBody(JSON.stringify({ ...placeBody, occurredAt: value }))

export const badCommands: Readonly<Record<string, BadRequest>> = {
  'malformed JSON': { ...withBody('{"customerId":'), status: 400, detail: /not JSON/ },
  'an empty body': { ...withBody(''), status: 400 },
  null: { ...withBody('null'), status: 400 },
  'an array': { ...withBody('[]'), status: 400 },
  'a string': { ...withBody('"x"'), status: 400 },
  'bytes that are no UTF-8': { ...withBody(Buffer.from([0x22, 0xff, 0x22])), status: 400 },
  'UTF-16': { ...withBody(Buffer.from(placeText, 'utf16le')), status: 400 },
  'an unknown field': {
    ...withBody(JSON.stringify({ ...placeBody, role: 'admin' })),
    status: 400,
    pointer: '/role',
  },
  'an unknown field deep inside': {
    ...withBody(line('"quantity":1,"amount":5,"discount":1')),
    status: 400,
    pointer: '/lines/0/discount',
  },
  'a missing field': { ...withBody('{"customerId":"c-1"}'), status: 400, pointer: '/currency' },
  'a number as text': {
    ...withBody(line('"quantity":"1","amount":5')),
    status: 400,
    pointer: '/lines/0/quantity',
  },
  'half a piece': {
    ...withBody(line('"quantity":0.5,"amount":5')),
    status: 400,
    pointer: '/lines/0/quantity',
  },
  'a negative amount': { ...withBody(line('"quantity":1,"amount":-5')), status: 400 },
  'an amount beyond 2^53': {
    ...withBody(line('"quantity":1,"amount":9007199254740993')),
    status: 400,
    pointer: '/lines/0/amount',
  },
  'an amount beyond all doubles': { ...withBody(line('"quantity":1,"amount":1e400')), status: 400 },
  'amounts whose sum is beyond 2^53': {
    ...withBody(
      JSON.stringify({
        ...placeBody,
        lines: [1, 2].map(() => ({ productId: 'p-1', quantity: 1, amount: Number.MAX_SAFE_INTEGER })),
      }),
    ),
    status: 400,
    pointer: '/lines',
  },
  'a key __proto__': { ...withBody(`{"__proto__":{"a":1},${placeText.slice(1)}`), status: 400 },
  'a key __proto__ deep inside': {
    ...withBody(line('"quantity":1,"amount":5,"__proto__":{"a":1}')),
    status: 400,
  },
  'a key __proto__ beside occurredAt': {
    ...withBody(`{"__proto__":{"a":1},"occurredAt":"1997-01-01T00:00:00Z",${placeText.slice(1)}`),
    status: 400,
  },
  'a key constructor': { ...withBody(`{"constructor":{},${placeText.slice(1)}`), status: 400 },
  'a lone surrogate': { ...pay('{"method":"\\ud800"}'), status: 400, pointer: '/method' },
  'a NUL': { ...pay('{"method":"a\\u0000b"}'), status: 400, pointer: '/method' },
  'JSON 200,000 deep': { ...withBody('['.repeat(200_000) + ']'.repeat(200_000)), status: 400 },
  'a field 200,000 deep': {
    ...withBody(`{"customerId":${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
    status: 400,
  },
  '100,000 keys': {
    ...withBody(
      JSON.stringify(Object.fromEntries(Array.from({ length: 80_000 }, (_, index) => [`k${index}`, 1]))),
    ),
    status: 400,
  },
  'half a million lines': {
    ...withBody(`{"customerId":"c-1","currency":"EUR","lines":[${'1,'.repeat(500_000)}1]}`),
    status: 400,
  },

  'an id with a slash': { ...atPath('/orders/a%2fb/place'), status: 400, detail: /id/ },
  'an id with a NUL': { ...atPath('/orders/a%00b/place'), status: 400, detail: /id/ },
  'an id with a line break': { ...atPath('/orders/a%0d%0ab/place'), status: 400 },
  'an id that is two dots': { ...atPath('/orders/%2e%2e%2fa/place'), status: 400 },
  'an id of 129 characters': { ...atPath(`/orders/${'a'.repeat(129)}/place`), status: 400 },
  'an id outside ASCII': { ...atPath('/orders/%C3%BC/place'), status: 400 },
  'a percent sign that encodes nothing': { ...atPath('/orders/%zz/place'), status: 400 },
  'half a character': { ...atPath('/orders/%c3/place'), status: 400 },
  'an unknown aggregate': { ...atPath('/invoices/i-1/place'), status: 404 },
  'an aggregate called __proto__': { ...atPath('/__proto__/i-1/place'), status: 404 },
  'an unknown command': { ...atPath('/orders/bad-1/burn'), status: 404 },
  'a command called constructor': { ...atPath('/orders/bad-1/constructor'), status: 404 },
  'an unknown path': { ...place({ path: '/nothing' }), status: 404 },
  'a wrong method': { method: 'GET', path: '/orders/bad-1/place', status: 405 },

  'no Idempotency-Key': { ...without('idempotency-key'), status: 400, detail: /Idempotency-Key/ },
  'an empty Idempotency-Key': { ...withHeader('idempotency-key', ''), status: 400 },
  'a long Idempotency-Key': { ...withHeader('idempotency-key', 'k'.repeat(256)), status: 400 },
  'an Idempotency-Key with a space': { ...withHeader('idempotency-key', 'a b'), status: 400 },
  'an If-Match for another version': { ...withHeader('if-match', '"3"'), status: 412 },
  'If-Match * for nothing': { ...withHeader('if-match', '*'), status: 412 },
  'a weak If-Match': { ...withHeader('if-match', 'W/"0"'), status: 412 },
  'an unquoted If-Match': { ...withHeader('if-match', '0'), status: 400, detail: /if-match/ },
  'garbage in If-Match': { ...withHeader('if-match', '"0", garbage'), status: 400, detail: /if-match/ },
  'a thousand tags in If-Match': { ...withHeader('if-match', '"0",'.repeat(1_000) + '"0"'), status: 400 },
  'no content type': { ...without('content-type'), status: 415 },
  'another content type': { ...withHeader('content-type', 'text/plain'), status: 415 },
  'another charset': { ...withHeader('content-type', 'application/json; charset=utf-7'), status: 415 },
  'a compressed body': {
    ...place({ headers: headersWith({ 'content-encoding': 'gzip' }), body: gzipSync(placeText) }),
    status: 415,
  },
  'a body above 1 MiB': { ...withBody(' '.repeat(MIB) + placeText), status: 413 },
  'a wrong token': { ...withHeader('authorization', `Bearer ${'x'.repeat(24)}`), status: 401 },
  'another scheme': { ...withHeader('authorization', 'Basic ZGV2OmRldg=='), status: 401 },

  'occurredAt as a number': { ...withOccurredAt(852_076_800_000), status: 400, pointer: '/occurredAt' },
  'occurredAt without a time': { ...withOccurredAt('1997-01-01'), status: 400, pointer: '/occurredAt' },
  'occurredAt without an offset': { ...withOccurredAt('1997-01-01T00:00:00'), status: 400 },
  'occurredAt on a day that is none': { ...withOccurredAt('1997-02-30T00:00:00Z'), status: 400 },
  'occurredAt that is garbage': { ...withOccurredAt('yesterday'), status: 400, pointer: '/occurredAt' },
  'occurredAt null': { ...withOccurredAt(null), status: 400, pointer: '/occurredAt' },
  'occurredAt in the year 10000 by its offset': {
    ...withOccurredAt('9999-12-31T23:59:59-01:00'),
    status: 400,
    pointer: '/occurredAt',
  },
  'occurredAt before all years by its offset': {
    ...withOccurredAt('0000-01-01T00:00:00+01:00'),
    status: 400,
  },
}

const beat = { host: 'm-1', name: 'node', pid: 1, startedAt: 0, at: 1_000, beat: 1, cpu: 0, rss: 0 }
export const heartbeat = (fields: object = {}): string => JSON.stringify({ ...beat, ...fields })

export const ndjson = { 'content-type': 'application/x-ndjson' }
const json = { 'content-type': 'application/json' }
const beats = (body: string | Buffer, headers: Record<string, string> = json): HttpRequest => ({
  method: 'POST',
  path: '/heartbeats',
  headers,
  body,
})

export const badHeartbeats: Readonly<Record<string, BadRequest>> = {
  'no array': { ...beats(heartbeat()), status: 400 },
  'an empty array': { ...beats('[]'), status: 400 },
  'one bad element': {
    ...beats(`[${heartbeat()},${heartbeat({ pid: 'one' })}]`),
    status: 400,
    pointer: '/1/pid',
  },
  'an unknown field': { ...beats(`[${heartbeat({ user: 'root' })}]`), status: 400, pointer: '/0/user' },
  'a host with a colon': { ...beats(`[${heartbeat({ host: 'a:b' })}]`), status: 400, pointer: '/0/host' },
  'a time after the year 9999': { ...beats(`[${heartbeat({ at: 253_402_300_800_000 })}]`), status: 400 },
  'a lone surrogate': { ...beats(`[${heartbeat({ name: '?' }).replace('?', '\\ud800')}]`), status: 400 },
  'more than the limit': {
    ...beats(`[${Array.from({ length: 1_001 }, () => heartbeat()).join()}]`),
    status: 400,
  },
  'half a million': { ...beats(`[${'1,'.repeat(500_000)}1]`), status: 400 },
  'a bad line': { ...beats(`${heartbeat()}\n{"host":\n`, ndjson), status: 400, detail: /line 2/ },
  'half a million lines': { ...beats('1\n'.repeat(500_000), ndjson), status: 400 },
  'no lines': { ...beats('\n\n', ndjson), status: 400 },
  'lines that are no UTF-8': {
    ...beats(
      Buffer.concat([Buffer.from(heartbeat({ name: '?' }).replace('?', '')), Buffer.from([0xff])]),
      ndjson,
    ),
    status: 400,
  },
  'another content type': { ...beats(`[${heartbeat()}]`, { 'content-type': 'text/csv' }), status: 415 },
  'a wrong method': { method: 'PUT', path: '/heartbeats', status: 405 },
}
