import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { eventually } from '@millrace/testkit'
import { MAX_BODY_BYTES } from '../../src/http/door.ts'
import { problems } from '../../src/http/problem.ts'
import { PlatformError } from '../../src/platform-error.ts'
import { identityOf } from '../identity/identity-fixture.ts'
import { DEVELOPER, openDoor, openRaw, post, route, type AnyCall, type TestDoor } from './http-fixture.ts'

const TOKEN = 'a-token-of-a-developer'
const order = z.strictObject({ customerId: z.string(), lines: z.array(z.strictObject({ amount: z.int() })) })
const fail = (error: unknown) => () => {
  throw error
}

let door: TestDoor
let seen: AnyCall | undefined
beforeAll(async () => {
  door = await openDoor(
    [
      post(
        '/orders/:id/place',
        (call) => {
          seen = call
          return { status: 200, headers: { etag: '"1"' }, body: { order: call.body } }
        },
        {
          params: z.strictObject({ id: z.string().max(5) }),
          query: z.strictObject({ after: z.string().optional(), x: z.string().transform(Number).optional() }),
          headers: z.object({ 'idempotency-key': z.string('send one').optional() }),
          body: { schema: order },
        },
      ),
      post('/raw', (call) => ({ status: 202, body: { bytes: call.rawBody.length } }), {
        body: { schema: z.string(), whenEmpty: '' },
      }),
      post(
        '/outage',
        fail(new PlatformError({ code: 'MONGO_UNAVAILABLE', message: 'db:27017', retryable: true })),
      ),
      post('/bug', fail(new TypeError('secret of the house'))),
      post(
        '/problem',
        fail(problems.rejected('no', { members: { rejection: 'order-not-found' }, headers: { 'x-a': 'b' } })),
      ),
      post('/unserializable', () => ({ status: 200, headers: { etag: '"1"' }, body: { version: 1n } })),
      post('/ops', () => ({ status: 202 }), { scope: 'ops:write' }),
      post('/many', (call) => ({ status: 200, body: call.body }), {
        body: { schema: z.array(z.int()), types: ['application/json', 'application/x-ndjson'] },
      }),
      route(['get', '/things/:id'], ({ params }) => ({ status: 200, body: params }), {
        params: z.strictObject({ id: z.string() }),
      }),
      route(['delete', '/things/:id'], () => ({ status: 204 })),
      post('/things/special', () => ({ status: 201 })),
      route(['get', '/$all'], () => ({ status: 200, body: 'all' }), { alias: '/%24all' }),
      route(['get', '/lines'], () => ({ status: 200, lines: [{ text: 'a\nb' }, null, 3] })),
      route(['get', '/no-lines'], () => ({ status: 200, lines: [] })),
      route(['get', '/bad-lines'], () => ({ status: 200, lines: [1, 2n] })),
      route(['get', '/preferred'], (call) => ({
        status: 200,
        body: { type: call.prefers(['application/json', 'application/x-ndjson']) },
      })),
    ],
    { identify: identityOf({ DEV_TOKEN: TOKEN }).identify },
  )
})
afterEach(() => {
  door.lines.length = 0
})
afterAll(() => door.close())

const send = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${door.url}${path}`, init)
const json = (body: NonNullable<RequestInit['body']>, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body,
  headers: { 'content-type': 'application/json', ...headers },
})

/** Status and problem document, checked for what all of them have. */
const problemOf = async (response: Response): Promise<Record<string, unknown>> => {
  const problem = (await response.json()) as Record<string, unknown>
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(problem).toMatchObject({
    status: response.status,
    type: expect.stringMatching(/^https:\/\/millrace\.dev\/problems\/[a-z-]+$/),
    title: expect.any(String),
    detail: expect.any(String),
    instance: `urn:request:${response.headers.get('x-request-id')}`,
  })
  return problem
}

describe('a handler', () => {
  it('gets the call parsed and its reply is sent as JSON', async () => {
    const body = { customerId: 'c-1', lines: [{ amount: 5 }] }
    const response = await send(
      '/orders/o%20ä/place?after=a%2Bb?c&x=1',
      json(JSON.stringify(body), { 'idempotency-key': 'k' }),
    )
    expect([response.status, response.headers.get('etag')]).toEqual([200, '"1"'])
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({ order: body })
    expect(seen).toMatchObject({
      principal: DEVELOPER,
      path: '/orders/o%20%C3%A4/place',
      params: { id: 'o ä' },
      query: { after: 'a+b?c', x: 1 },
      headers: { 'idempotency-key': 'k' },
      body,
      requestId: response.headers.get('x-request-id'),
    })
    expect([seen?.header('Idempotency-Key'), seen?.header('none')]).toEqual(['k', undefined])
  })

  it('gets a body of exactly the limit', async () => {
    const text = `"${'x'.repeat(MAX_BODY_BYTES - 2)}"`
    const response = await send('/raw', json(text))
    expect(await response.json()).toEqual({ bytes: MAX_BODY_BYTES })
  })

  it('gets an empty body when there is none', async () => {
    expect(await (await send('/raw', { method: 'POST' })).json()).toEqual({ bytes: 0 })
  })

  it('may answer without a body, and to HEAD nobody gets one', async () => {
    const deleted = await send('/things/1', { method: 'DELETE' })
    expect([deleted.status, await deleted.text()]).toEqual([204, ''])
    const head = await send('/things/1', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it('may take lines, each of them a value', async () => {
    const send3 = (body: string) =>
      send('/many', { method: 'POST', body, headers: { 'content-type': 'application/x-ndjson' } })
    expect(await (await send3('1\n\n2\r\n3')).json()).toEqual([1, 2, 3])
    const broken = await send3('1\n{')
    expect(broken.status).toBe(400)
    expect(await problemOf(broken)).toMatchObject({ detail: expect.stringContaining('line 2') })
  })

  it('may answer in lines, each of them JSON', async () => {
    const response = await send('/lines')
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    expect(await response.text()).toBe('{"text":"a\\nb"}\nnull\n3\n')
    const none = await send('/no-lines')
    expect([none.status, none.headers.get('content-type'), await none.text()]).toEqual([
      200,
      'application/x-ndjson',
      '',
    ])
  })

  it.each([
    [undefined, 'application/json'],
    ['*/*', 'application/json'],
    ['application/x-ndjson', 'application/x-ndjson'],
    ['application/json;q=0.5, application/x-ndjson;q=0.9', 'application/x-ndjson'],
    ['application/json, application/x-ndjson;q=0.9', 'application/json'],
    ['application/x-ndjson;q=0, */*', 'application/json'],
    ['APPLICATION/X-NDJSON;q=1', 'application/x-ndjson'],
    ['text/html', undefined],
    ['nonsense', undefined],
  ])('learns what the client prefers: %s', async (accept, type) => {
    const raw = await openRaw(door.url)
    const header = accept === undefined ? '' : `accept: ${accept}\r\n`
    raw.socket.write(`GET /preferred HTTP/1.1\r\nhost: localhost\r\n${header}connection: close\r\n\r\n`)
    const answer = await raw.ended
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toEqual(type === undefined ? {} : { type })
  })

  it('is found by its path as some clients write it', async () => {
    for (const path of ['/$all', '/%24all']) expect(await (await send(path)).json()).toBe('all')
    expect((await send('/%24all', { method: 'DELETE' })).status).toBe(405)
  })

  it('is found though the template of another method fits its path too', async () => {
    expect((await send('/things/special', { method: 'POST' })).status).toBe(201)
  })
})

describe('what the door refuses', () => {
  it.each(['/Things/1', '/things/1/', '//things/1'])('a path that is nearly one: 404 (%s)', async (path) => {
    expect((await send(path)).status).toBe(404)
  })

  it('a path without a route: 404', async () => {
    const response = await send('/nowhere')
    expect(response.status).toBe(404)
    expect(await problemOf(response)).toMatchObject({ detail: expect.stringContaining('/nowhere') })
  })

  it.each(['PUT', 'POST', 'PATCH', 'OPTIONS'])(
    'a method the path does not have: 405 with Allow (%s)',
    async (method) => {
      const response = await send('/things/1', { method })
      expect(response.status).toBe(405)
      expect(response.headers.get('allow')).toBe('GET, HEAD, DELETE')
      expect(await problemOf(response)).toMatchObject({ detail: expect.stringContaining(method) })
    },
  )

  it.each([
    ['/orders/longer/place', /^id: /],
    ['/orders/1/place?x=1&x=2', /"x" may be given once/],
    ['/orders/1/place?y=1', /no parameter "y"/],
    ['/raw?after=1', /no parameter "after"/],
  ])('parts of the URL that the route does not know so: 400 (%s)', async (path, detail) => {
    const response = await send(path, json('{}'))
    expect(response.status).toBe(400)
    expect(await problemOf(response)).toMatchObject({ detail: expect.stringMatching(detail) })
  })

  it('a body where none is wanted: 400', async () => {
    const response = await send('/things/special', json('{}'))
    expect(response.status).toBe(400)
    await problemOf(response)
  })

  it('a path that cannot be decoded: 400', async () => {
    const response = await send('/things/%E0%A4%A')
    expect(response.status).toBe(400)
    await problemOf(response)
  })

  it('a wrong token: 401 on any path, and the right one is let in', async () => {
    for (const path of ['/raw', '/nowhere']) {
      const response = await send(path, json('', { authorization: 'Bearer wrong' }))
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([
        401,
        'Bearer error="invalid_token"',
      ])
      await problemOf(response)
    }
    expect((await send('/raw', json('', { authorization: `bearer ${TOKEN}` }))).status).toBe(202)
  })

  it.each(['text/plain', 'application/jsonp', 'application/json; charset=latin1', undefined])(
    'a content type other than JSON in UTF-8: 415 (%s)',
    async (type) => {
      const response = await send('/orders/1/place', {
        method: 'POST',
        body: Buffer.from('{}'),
        headers: type === undefined ? {} : { 'content-type': type },
      })
      expect(response.status).toBe(415)
      await problemOf(response)
    },
  )

  it('a compressed body: 415', async () => {
    const response = await send('/raw', json(gzipSync('{}'), { 'content-encoding': 'gzip' }))
    expect(response.status).toBe(415)
    await problemOf(response)
  })

  it('malformed JSON: 400 with its place', async () => {
    const response = await send('/orders/1/place', json('{"customerId": "c",\n "lines": [}'))
    expect(response.status).toBe(400)
    expect(await problemOf(response)).toMatchObject({
      detail: 'the body is not JSON: unexpected "}" at line 2, column 12',
    })
  })

  it('bytes that are not UTF-8: 400', async () => {
    const response = await send('/orders/1/place', json(Buffer.from('{"customerId": "\xff"}', 'latin1')))
    expect(response.status).toBe(400)
    expect(await problemOf(response)).toMatchObject({
      detail: 'the body has bytes that are not UTF-8, at byte 16',
    })
  })

  it('fields that do not fit and fields nobody knows: 400 with a pointer to each', async () => {
    const body = { customerId: 7, lines: [{ amount: 1, 'a/b~c': 1 }], extra: true }
    const response = await send('/orders/1/place', json(JSON.stringify(body)))
    expect(response.status).toBe(400)
    const { errors } = await problemOf(response)
    expect(errors).toEqual([
      { pointer: '/customerId', detail: expect.any(String) },
      { pointer: '/lines/0/a~1b~0c', detail: 'unknown field' },
      { pointer: '/extra', detail: 'unknown field' },
    ])
  })
})

describe('a body above the limit', () => {
  const head = (more: string): string =>
    `POST /raw HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${more}\r\n\r\n`

  it('that says so is refused before any of it is read: 413', async () => {
    const raw = await openRaw(door.url)
    raw.socket.write(head(`content-length: ${10 * 1024 ** 3}`))
    const answer = await raw.ended
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toMatch(/"type":"https:\/\/millrace\.dev\/problems\/too-large"/)
    expect(answer).toMatch(/connection: close/i)
  })

  it('that does not say so is refused when it passes the limit, without reading on: 413', async () => {
    const raw = await openRaw(door.url)
    raw.socket.write(head('transfer-encoding: chunked'))
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const framed = Buffer.concat([
      Buffer.from(`${chunk.length.toString(16)}\r\n`),
      chunk,
      Buffer.from('\r\n'),
    ])
    // A sender without end: only the door can end this.
    const pump = (): void => {
      while (raw.socket.writable && raw.socket.write(framed));
    }
    raw.socket.on('drain', pump)
    pump()
    expect(await raw.ended).toMatch(/^HTTP\/1\.1 413 /)
    expect(raw.socket.bytesWritten).toBeLessThan(16 * MAX_BODY_BYTES)
  })

  it('sent by an ordinary client: 413 as a problem', async () => {
    const response = await send('/raw', json(Buffer.alloc(MAX_BODY_BYTES + 1)))
    expect(response.status).toBe(413)
    await problemOf(response)
  })
})

describe('what goes wrong behind the door', () => {
  it('an outage: 503 with Retry-After, without details', async () => {
    const response = await send('/outage', { method: 'POST' })
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(JSON.stringify(await problemOf(response))).not.toContain('27017')
  })

  it('a bug: 500 without details, which are in the log under the same id', async () => {
    const response = await send('/bug', { method: 'POST' })
    expect(response.status).toBe(500)
    expect(JSON.stringify(await problemOf(response))).not.toMatch(/secret|TypeError|\.ts/)
    await eventually(
      () => door.lines,
      (lines) => lines.length > 0,
    )
    expect(door.lines).toMatchObject([
      {
        requestId: response.headers.get('x-request-id'),
        err: { message: 'secret of the house', stack: expect.any(String) },
      },
    ])
  })

  it('a reply that is no JSON: 500, without headers of the reply', async () => {
    const response = await send('/unserializable', { method: 'POST' })
    expect([response.status, response.headers.get('etag')]).toEqual([500, null])
    const lines = await send('/bad-lines')
    expect(lines.status).toBe(500)
    await problemOf(lines)
  })

  it('a problem: as the handler says, with its members and headers', async () => {
    const response = await send('/problem', { method: 'POST' })
    expect([response.status, response.headers.get('x-a')]).toEqual([422, 'b'])
    expect(await problemOf(response)).toMatchObject({ rejection: 'order-not-found', detail: 'no' })
  })
})

describe('a request', () => {
  const requestId = async (given?: string): Promise<string> => {
    const response = await send(
      '/things/1',
      given === undefined ? {} : { headers: { 'x-request-id': given } },
    )
    return response.headers.get('x-request-id') ?? ''
  }

  it('keeps the id it came with, if that is a decent one', async () => {
    expect(await requestId('trace:1.A_b-c')).toBe('trace:1.A_b-c')
    for (const bad of ['a b', 'ä', 'x'.repeat(129), '"'])
      expect(await requestId(bad)).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('without an id gets one of its own', async () => {
    const ids = await Promise.all([requestId(), requestId()])
    expect(new Set(ids).size).toBe(2)
  })

  it.each([
    ['/things/1', 'GET', '/things/:id', 200],
    ['/nowhere', 'GET', 'unknown', 404],
    ['/outage', 'POST', '/outage', 503],
  ])('leaves one log line and one observation: %s', async (path, method, route, status) => {
    const response = await send(path, { method })
    await eventually(
      () => door.lines,
      (lines) => lines.length > 0,
    )
    expect(door.lines).toMatchObject([
      {
        requestId: response.headers.get('x-request-id'),
        method,
        route,
        status,
        durationMs: expect.any(Number),
      },
    ])
    const text = await door.metrics.registry.metrics()
    expect(text).toMatch(
      new RegExp(`http_request_duration_seconds_count\\{[^}]*route="${route}"[^}]*status="${status}"`),
    )
  })

  it('whose client goes away leaves its line too', async () => {
    const raw = await openRaw(door.url)
    raw.socket.write('POST /raw HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nabc', () =>
      raw.socket.destroy(),
    )
    await eventually(
      () => door.lines,
      (lines) => lines.length > 0,
    )
    expect(door.lines).toMatchObject([{ route: '/raw', status: 499 }])
  })

  it('is never stored by a cache nor guessed at, unless its handler says otherwise', async () => {
    const { headers } = await send('/things/1')
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual([
      'no-store',
      'nosniff',
    ])
    expect(headers.get('x-powered-by')).toBeNull()
  })
})
