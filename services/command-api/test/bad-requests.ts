import type { BadRequest } from '../../../test/support/bad-inputs/bad-input.ts'
import type { HttpRequest } from '../../../test/support/http-client.ts'

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

/** By their numbers in the list of bad inputs, where they have one; beside those that every service has to bear. */
export const badCommands: Readonly<Record<string, BadRequest>> = {
  '46: an unknown field deep inside': {
    ...withBody(line('"quantity":1,"amount":5,"discount":1')),
    status: 400,
    pointer: '/lines/0/discount',
  },
  'a missing field': { ...withBody('{"customerId":"c-1"}'), status: 400, pointer: '/currency' },
  '47: a number as text': {
    ...withBody(line('"quantity":"1","amount":5')),
    status: 400,
    pointer: '/lines/0/quantity',
  },
  '47: a number for text': {
    ...withBody(placeText.replace('"c-1"', '1')),
    status: 400,
    pointer: '/customerId',
  },
  '48: half a piece': {
    ...withBody(line('"quantity":0.5,"amount":5')),
    status: 400,
    pointer: '/lines/0/quantity',
  },
  '48: a negative amount': {
    ...withBody(line('"quantity":1,"amount":-5')),
    status: 400,
    pointer: '/lines/0/amount',
  },
  '48: an amount beyond 2^53': {
    ...withBody(line('"quantity":1,"amount":9007199254740993')),
    status: 400,
    detail: /number that would not be kept as it is written, at byte 87$/,
  },
  '48: an amount beyond all doubles': {
    ...withBody(line('"quantity":1,"amount":1e400')),
    status: 400,
    detail: /number that would not be kept as it is written, at byte 87$/,
  },
  '48: amounts whose sum is beyond 2^53': {
    ...withBody(
      JSON.stringify({
        ...placeBody,
        lines: [1, 2].map(() => ({ productId: 'p-1', quantity: 1, amount: Number.MAX_SAFE_INTEGER })),
      }),
    ),
    status: 400,
    pointer: '/lines',
  },
  '49: a lone surrogate': {
    ...pay('{"method":"\\ud800"}'),
    status: 400,
    detail: /half of a surrogate pair, at byte 11$/,
  },
  '49: a NUL': { ...pay('{"method":"a\\u0000b"}'), status: 400, detail: /U\+0000, at byte 12$/ },
  '62: a line break in a field': { ...pay('{"method":"a\\r\\nb"}'), status: 400, pointer: '/method' },
  '62: an escape of a terminal in a field': {
    ...pay('{"method":"\\u001b[31m"}'),
    status: 400,
    pointer: '/method',
  },

  '50: an id with a slash': { ...atPath('/orders/a%2fb/place'), status: 400, detail: /id/ },
  '50: an id with a NUL': { ...atPath('/orders/a%00b/place'), status: 400, detail: /id/ },
  '63: an id with a line break': { ...atPath('/orders/a%0d%0aSet-Cookie:%20a/place'), status: 400 },
  '50: an id that is two dots': { ...atPath('/orders/%2e%2e/place'), status: 400 },
  '50: an id with two dots': { ...atPath('/orders/%2e%2e%2fa/place'), status: 400 },
  '50: an id of 129 characters': { ...atPath(`/orders/${'a'.repeat(129)}/place`), status: 400 },
  '50: an id of 300 characters': { ...atPath(`/orders/${'a'.repeat(300)}/place`), status: 400 },
  '50: an id outside ASCII, composed': { ...atPath('/orders/%C3%BC/place'), status: 400 },
  '50: an id outside ASCII, decomposed': { ...atPath('/orders/u%CC%88/place'), status: 400 },
  '50: an id with a character of no width': { ...atPath('/orders/a%E2%80%8Bb/place'), status: 400 },
  '50: a percent sign that encodes nothing': { ...atPath('/orders/%zz/place'), status: 400 },
  '50: half a character': { ...atPath('/orders/%c3/place'), status: 400 },
  'an unknown aggregate': { ...atPath('/invoices/i-1/place'), status: 404 },
  'an aggregate called __proto__': { ...atPath('/__proto__/i-1/place'), status: 404 },
  'an unknown command': { ...atPath('/orders/bad-1/burn'), status: 404 },
  'a command called constructor': { ...atPath('/orders/bad-1/constructor'), status: 404 },
  '56: a wrong method': { method: 'GET', path: '/orders/bad-1/place', status: 405, detail: /use POST$/ },

  '57: no Idempotency-Key': { ...without('idempotency-key'), status: 400, detail: /Idempotency-Key/ },
  '57: an empty Idempotency-Key': { ...withHeader('idempotency-key', ''), status: 400 },
  '57: a long Idempotency-Key': { ...withHeader('idempotency-key', 'k'.repeat(256)), status: 400 },
  '57: an Idempotency-Key of 1 KB': { ...withHeader('idempotency-key', 'k'.repeat(1_024)), status: 400 },
  '57: an Idempotency-Key with a space': { ...withHeader('idempotency-key', 'a b'), status: 400 },
  '58: an If-Match for another version': { ...withHeader('if-match', '"3"'), status: 412 },
  '58: If-Match * for nothing': { ...withHeader('if-match', '*'), status: 412 },
  '58: a weak If-Match': { ...withHeader('if-match', 'W/"0"'), status: 412 },
  '58: a version in If-None-Match': {
    ...withHeader('if-none-match', '"0"'),
    status: 400,
    detail: /if-none-match: must be \*/,
  },
  '58: an unquoted If-Match': { ...withHeader('if-match', '0'), status: 400, detail: /if-match/ },
  '58: garbage in If-Match': { ...withHeader('if-match', '"0", garbage'), status: 400, detail: /if-match/ },
  '58: a thousand tags in If-Match': {
    ...withHeader('if-match', '"0",'.repeat(1_000) + '"0"'),
    status: 400,
  },

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

const append = (expectedVersion = 'none', more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'POST',
  path: '/streams/orders.order-bad-1/events',
  headers: headersWith({ 'expected-version': expectedVersion }),
  body: '[{"type":"OrderPaid","data":{"method":"card"}}]',
  ...more,
})

const appendTo = (stream: string): HttpRequest => append('none', { path: `/streams/${stream}/events` })

/** Of so many names each, none of which may stand there. */
const namesOf = (count: number): string => Array.from({ length: count }, (_, index) => `"N${index}":1`).join()
const appendMany = (count: number, fields: string): HttpRequest => {
  const event = `{"type":"OrderPaid","data":{},${fields}}`
  return append('none', { body: `[${Array.from({ length: count }, () => event).join()}]` })
}

export const badAppends: Readonly<Record<string, BadRequest>> = {
  ...Object.fromEntries(
    ['-1', '9007199254740992', '"41"', '4.5', '1e2', '0x1', ''].map((version) => [
      `59: an Expected-Version of ${version || 'nothing'}`,
      { ...append(version), status: 400, detail: /expected-version/ },
    ]),
  ),
  ...Object.fromEntries(
    ['orders.order-a%2Fb', 'orders.order-a%00b', `orders.order-${'a'.repeat(129)}`, '..%2Fb'].map(
      (stream) => [
        `50: an append to ${stream}`,
        { ...appendTo(stream), status: 400, detail: /^id: must be a stream .* 1 to 128 characters of A-Z/ },
      ],
    ),
  ),
  'an append to a stream of no context': { ...appendTo('sales.sale-1'), status: 404 },
  'an append with 17 entries of metadata': {
    ...appendMany(1, `"metadata":{${namesOf(17)}}`),
    status: 400,
    pointer: '/0/metadata',
  },
  '43: 256 entries of metadata in each of 76 events': {
    ...appendMany(76, `"metadata":{${namesOf(256)}}`),
    status: 400,
    pointer: '/0/metadata',
  },
  '43: 16 bad entries of metadata in each of 400 events': {
    ...appendMany(400, `"metadata":{${namesOf(16)}}`),
    status: 400,
    pointer: '/0/metadata/N0',
  },
  '43: 250 unknown fields in each of 78 events': {
    ...appendMany(78, namesOf(250)),
    status: 400,
    pointer: '/0/N0',
  },
  '43: 19,990 names in one event': {
    ...appendMany(1, namesOf(19_990)),
    status: 400,
    detail: /more than 256 names in one object, at byte \d+$/,
  },
}

const beat = { host: 'm-1', name: 'node', pid: 1, startedAt: 0, at: 1_000, beat: 1, cpu: 0, rss: 0 }
export const heartbeat = (fields: object = {}): string => JSON.stringify({ ...beat, ...fields })
const badBeat = heartbeat({
  host: ':',
  name: '',
  pid: -1,
  startedAt: -1,
  at: -1,
  beat: 0.5,
  cpu: -1,
  rss: null,
})

export const ndjson = { 'content-type': 'application/x-ndjson' }
const json = { 'content-type': 'application/json' }
const beats = (body: string | Buffer, headers: Record<string, string> = json): HttpRequest => ({
  method: 'POST',
  path: '/heartbeats',
  headers,
  body,
})

export const badHeartbeats: Readonly<Record<string, BadRequest>> = {
  'heartbeats: no array': { ...beats(heartbeat()), status: 400 },
  'heartbeats: an empty array': { ...beats('[]'), status: 400 },
  'heartbeats: one bad element': {
    ...beats(`[${heartbeat()},${heartbeat({ pid: 'one' })}]`),
    status: 400,
    pointer: '/1/pid',
  },
  'heartbeats: an unknown field': {
    ...beats(`[${heartbeat({ user: 'root' })}]`),
    status: 400,
    pointer: '/0/user',
  },
  'heartbeats: a host with a colon': {
    ...beats(`[${heartbeat({ host: 'a:b' })}]`),
    status: 400,
    pointer: '/0/host',
  },
  'heartbeats: a time after the year 9999': {
    ...beats(`[${heartbeat({ at: 253_402_300_800_000 })}]`),
    status: 400,
    pointer: '/0/at',
  },
  'heartbeats: a thousand, all of them bad': {
    ...beats(`[${Array.from({ length: 1_000 }, () => badBeat).join()}]`),
    status: 400,
    pointer: '/0/host',
  },
  'heartbeats: a thousand, the last one bad': {
    ...beats(`[${Array.from({ length: 999 }, () => heartbeat()).join()},${badBeat}]`),
    status: 400,
    pointer: '/999/host',
  },
  'heartbeats: a line whose string does not end': {
    ...beats(`${heartbeat()}\n{"host":"${'c'.repeat(1_000_000)}`, ndjson),
    status: 400,
    detail: /^line 2 is not JSON/,
  },
  'heartbeats: more than the limit': {
    ...beats(`[${Array.from({ length: 1_001 }, () => heartbeat()).join()}]`),
    status: 400,
  },
  'heartbeats: a bad line': { ...beats(`${heartbeat()}\n{"host":\n`, ndjson), status: 400, detail: /line 2/ },
  'heartbeats: 99,000 elements': { ...beats(`[${'1,'.repeat(98_999)}1]`), status: 400 },
  'heartbeats: 19,000 lines': { ...beats('{"a":1}\n'.repeat(19_000), ndjson), status: 400 },
  'heartbeats: half a million lines': { ...beats('1\n'.repeat(500_000), ndjson), status: 400 },
  'heartbeats: a line 33 deep': {
    ...beats(`${heartbeat()}\n${'['.repeat(33)}${']'.repeat(33)}`, ndjson),
    status: 400,
    detail: /levels/,
  },
  'heartbeats: no lines': { ...beats('\n\n', ndjson), status: 400 },
  'heartbeats: lines that are no UTF-8': {
    ...beats(Buffer.concat([Buffer.from(heartbeat()), Buffer.from([0xff])]), ndjson),
    status: 400,
    detail: /UTF-8/,
  },
  'heartbeats: another content type': {
    ...beats(`[${heartbeat()}]`, { 'content-type': 'text/csv' }),
    status: 415,
  },
}
