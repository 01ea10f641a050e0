import type { IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { eventually } from '@millrace/testkit'
import { problems } from '../../src/http/problem.ts'
import { LIMITS, openDoor, openRaw, post, route, type TestDoor } from './http-fixture.ts'

let door: TestDoor
afterEach(() => door.close())

const send = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${door.url}${path}`, init)
const sendJson = (body: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  send('/echo', { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })

const echo = post('/echo', ({ body }) => ({ status: 200, body }), { body: { schema: z.unknown() } })
const loadOf = (maxRequests: number, maxBodyBytes: number) => ({
  ...{ maxRequests, maxBodyBytes },
  ofOne: { maxRequests, maxBodyBytes },
})
/** A route whose handler is done when `held` is resolved. */
const holding = () => {
  const held = Promise.withResolvers<void>()
  const entered = Promise.withResolvers<AbortSignal>()
  const hold = route(['get', '/hold'], async ({ signal }) => {
    entered.resolve(signal)
    await held.promise
    return { status: 204 }
  })
  return { hold, held, entered }
}
const alice = { id: 'alice', tenant: 'a', scopes: new Set(['ops:read']) }

describe('who is let in', () => {
  it('may do what its token allows, and hears which scope it lacks', async () => {
    const handle = () => ({ status: 200, body: 'done' })
    door = await openDoor(
      [
        route(['get', '/state'], handle, { scope: 'ops:read' }),
        route(['get', '/reset'], handle, { scope: 'ops:write' }),
      ],
      { identify: () => alice },
    )
    expect((await send('/state')).status).toBe(200)
    const refused = await send('/reset')
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      403,
      'Bearer error="insufficient_scope", scope="ops:write"',
    ])
  })

  it('is of the tenant of its token: 403 when it names another', async () => {
    door = await openDoor([echo], { identify: () => alice })
    const statuses = ['a', 'b'].map((tenant) => send('/nowhere', { headers: { 'x-tenant-id': tenant } }))
    expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([404, 403])
  })

  it('above its rate waits, while others go on: 429 with Retry-After and what is left', async () => {
    const identify = (request: IncomingMessage) => ({
      ...alice,
      id: request.headers.authorization ?? '',
    })
    const rate = { perSecond: 1, burst: 2 }
    door = await openDoor([echo], { identify, limits: { ...LIMITS, rate } })
    const as = (authorization: string) => send('/nowhere', { headers: { authorization } })
    const answers = [await as('one'), await as('one'), await as('one')]
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 429])
    expect(answers[2]?.headers.get('retry-after')).toBe('1')
    expect(answers[1]?.headers.get('ratelimit')).toMatch(/^"principal";r=0;t=\d$/)
    expect((await as('two')).status).toBe(404)
  })
})

describe('what takes too much', () => {
  it('a request beyond those that may be under way: 503, and a place is free when one has its answer', async () => {
    const { hold, held, entered } = holding()
    door = await openDoor([hold, echo], {
      limits: { ...LIMITS, load: loadOf(1, 1_000) },
    })
    const first = send('/hold')
    await entered.promise
    const second = await send('/nowhere')
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1'])
    held.resolve()
    expect((await first).status).toBe(204)
    await eventually(
      async () => (await send('/nowhere')).status,
      (status) => status === 404,
    )
    expect((await sendJson(JSON.stringify('x'.repeat(1_000)))).status).toBe(503)
  })

  it('a request of a principal that has all that one may have: 429, and others go on', async () => {
    const { hold, held, entered } = holding()
    const identify = (request: IncomingMessage) => ({ ...alice, id: request.headers.authorization ?? '' })
    const load = { ...LIMITS.load, ofOne: { maxRequests: 1, maxBodyBytes: 1_000 } }
    door = await openDoor([hold, echo], { identify, limits: { ...LIMITS, load } })
    const as = (authorization: string, path = '/nowhere') => send(path, { headers: { authorization } })
    const first = as('one', '/hold')
    await entered.promise
    const second = await as('one')
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '1'])
    expect((await as('two')).status).toBe(404)
    held.resolve()
    await first
    expect((await sendJson(JSON.stringify('x'.repeat(1_000)), { authorization: 'two' })).status).toBe(429)
  })

  it('a handler whose client is gone keeps its place until it is done', async () => {
    const { hold, held, entered } = holding()
    door = await openDoor([hold, echo], { limits: { ...LIMITS, load: loadOf(1, 1_000) } })
    const client = new AbortController()
    const gone = send('/hold', { signal: client.signal }).catch(() => undefined)
    const signal = await entered.promise
    client.abort()
    await gone
    await eventually(
      async () => signal.aborted,
      (aborted) => aborted,
    )
    expect((await send('/nowhere')).status).toBe(503)
    held.resolve()
    await eventually(
      async () => (await send('/nowhere')).status,
      (status) => status === 404,
    )
  })

  it.each(['/hold', '/refused'])(
    'a client that is gone while its token is verified takes nothing for good: %s',
    async (path) => {
      const { hold, held } = holding()
      held.resolve()
      const verified: (() => void)[] = []
      const identify = async (request: IncomingMessage) => {
        if (request.headers.authorization === 'slow')
          await new Promise<void>((resolve) => verified.push(resolve))
        return alice
      }
      const refused = route(['get', '/refused'], () => ({ status: 204 }), { scope: 'ops:write' })
      door = await openDoor([hold, refused], { identify, limits: { ...LIMITS, load: loadOf(1, 1_000) } })
      for (const round of [1, 2, 3]) {
        const client = new AbortController()
        const gone = send(path, { signal: client.signal, headers: { authorization: 'slow' } }).catch(() => 0)
        await eventually(
          async () => verified.length,
          (count) => count === round,
        )
        client.abort()
        await gone
        await eventually(
          async () => door.lines.filter(({ status }) => status === 499).length,
          (count) => count === round,
        )
        verified.at(-1)?.()
        expect((await send('/hold')).status).toBe(204)
      }
      const slow = send('/hold', { headers: { authorization: 'slow' } })
      await eventually(
        async () => verified.length,
        (count) => count === 4,
      )
      expect((await send('/hold')).status).toBe(503)
      verified.at(-1)?.()
      expect((await slow).status).toBe(204)
    },
  )

  it('a handler that does not come to its end in time: 504, and it hears of it', async () => {
    const stopped = Promise.withResolvers<string>()
    const slow = route(
      ['get', '/slow'],
      ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            stopped.resolve(signal.reason instanceof Error ? signal.reason.message : '')
            reject(new Error('stopped'))
          })
        }),
      { deadlineMs: 100 },
    )
    door = await openDoor([slow])
    const answer = await send('/slow')
    expect(answer.status).toBe(504)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(await stopped.promise).toMatch(/no answer within 0.1 s/)
  })

  it('a handler that refuses has met its deadline too', async () => {
    let signal: AbortSignal | undefined
    const refusing = route(['get', '/no'], (call) => {
      signal = call.signal
      throw problems.notFound('nothing')
    })
    const silent = route(['get', '/silent'], () => new Promise(() => undefined))
    door = await openDoor([refusing, silent], { limits: { ...LIMITS, deadlineMs: 100 } })
    expect((await send('/no')).status).toBe(404)
    expect((await send('/silent')).status).toBe(504)
    expect(signal?.aborted).toBe(false)
  })

  it.each([
    ['a depth of 33', '['.repeat(33) + ']'.repeat(33)],
    ['a name that is there twice', '{"a":1,"\\u0061":2}'],
    ['__proto__', '{"a":{"__proto__":{}}}'],
    ['half a surrogate pair', '"\\ud800"'],
    ['a NUL', '"\\u0000"'],
    ['a number that would be rounded', '9007199254740993'],
    ['a hundred thousand names', `{${Array.from({ length: 100_000 }, (_, n) => `"${n}":1`).join()}}`],
  ])('%s in a body: 400, before it is parsed', async (_name, body) => {
    door = await openDoor([echo])
    const answer = await sendJson(body)
    expect(answer.status).toBe(400)
    expect(((await answer.json()) as { detail: string }).detail).toMatch(/^the body has .*, at byte \d+$/)
  })
})

describe('a target that is no path', () => {
  it.each(['GET http://elsewhere/echo', 'OPTIONS *'])('%s: 400', async (target) => {
    door = await openDoor([echo])
    const raw = await openRaw(door.url)
    raw.socket.write(`${target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
    expect(await raw.ended).toMatch(/^HTTP\/1\.1 400 /)
  })
})
