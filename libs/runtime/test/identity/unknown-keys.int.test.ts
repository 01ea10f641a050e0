import type { ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { LIMITS, openDoor, post } from '../http/http-fixture.ts'
import {
  identifyWith,
  identityOf,
  makeKey,
  openProvider,
  providerEnv,
  sign,
  statusOf,
  type Provider,
  type SigningKey,
  type TestIdentity,
} from './identity-fixture.ts'

const SECOND = 1_000
const MAX_WAITING = 100
const BURST = 50

let current: SigningKey
let next: SigningKey
let stranger: SigningKey
let provider: Provider
let identity: TestIdentity
let nowMs: number
let held: ServerResponse[]

beforeAll(async () => {
  current = await makeKey('ES256', 'k-1')
  next = await makeKey('ES256', 'k-2')
  stranger = await makeKey('ES256', 'k-0')
})
beforeEach(async () => {
  nowMs = Date.now()
  held = []
  provider = await openProvider([current.jwk])
})
afterEach(async () => {
  letGo()
  identity.close()
  await provider.close()
})

/** An identity that has its keys and may ask for others; the provider answers no more until `letGo`. */
const openThenHang = async (env: Readonly<Record<string, string>> = {}): Promise<void> => {
  identity = identityOf(providerEnv(provider.url, env), () => nowMs)
  await identity.ready()
  nowMs += 30 * SECOND
  provider.answer = (_, response) => void held.push(response)
}
const letGo = (): void => {
  provider.answer = undefined
  for (const response of held.splice(0)) response.end(JSON.stringify({ keys: provider.keys }))
}
const asked = (): Promise<unknown> =>
  eventually(
    () => held.length,
    (count) => count === 1,
  )

const invented = (count: number): Promise<string[]> =>
  Promise.all(
    Array.from({ length: count }, (_, at) => sign(stranger, { header: { kid: `k-${at}-${nowMs}` } })),
  )
const ofNextKey = (count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, (_, at) => sign(next, { claims: { jti: String(at) } })))

/** Their answers as they come; those that are missing wait. */
const sendAll = (tokens: readonly string[], address?: string) => {
  const answers: number[] = []
  const all = tokens.map(async (token) => {
    const status = await statusOf(identity, token, address)
    answers.push(status)
    return status
  })
  return { answers, all: Promise.all(all) }
}
const count = (statuses: readonly number[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(statuses, String)].map(([status, { length }]) => [status, length]))

describe('a token of a key that nobody knows', () => {
  it('leaves the door open for known ones while the provider hangs, however many come', async () => {
    await openThenHang()
    const known = await sign(current)
    const ok = post('/orders', () => ({ status: 200 }))
    const load = { ...LIMITS.load, maxRequests: 200 }
    const door = await openDoor([ok], { identify: identity.identify, limits: { ...LIMITS, load } })
    const call = async (token: string): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` }
      const { status, body } = await fetch(`${door.url}/orders`, { method: 'POST', headers })
      await body?.cancel()
      return status
    }
    expect(await call(known)).toBe(200)
    const answers: number[] = []
    const flood = (await invented(250)).map(async (token) => answers.push(await call(token)))
    await eventually(
      () => answers.length,
      (length) => length === 250 - BURST,
    )
    expect(await Promise.all(Array.from({ length: 20 }, () => call(known)))).toEqual(Array(20).fill(200))
    letGo()
    await Promise.all(flood)
    await door.close()
  })

  it('waits for the first keys in the same bounded line', async () => {
    provider.answer = (_, response) => void held.push(response)
    identity = identityOf(providerEnv(provider.url), () => nowMs)
    const { answers, all } = sendAll(await ofNextKey(MAX_WAITING + 20))
    await asked()
    await eventually(
      () => answers.length,
      (length) => length === 20,
    )
    expect(count(answers)).toEqual({ 503: 20 })
    provider.keys = [current.jwk, next.jwk]
    letGo()
    expect(count(await all)).toEqual({ 200: MAX_WAITING, 503: 20 })
  })

  it('has its address pay at once, also when the provider fails in the end; others do not', async () => {
    await openThenHang()
    const sent: ReturnType<typeof sendAll>[] = []
    for (const token of await invented(60)) {
      sent.push(sendAll([token]))
      await setImmediate()
    }
    await asked()
    expect(count(sent.flatMap(({ answers }) => answers))).toEqual({ 429: 60 - BURST })
    provider.answer = (_, response) => void response.writeHead(500).end()
    for (const response of held.splice(0)) response.writeHead(500).end()
    const statuses = await Promise.all(sent.map(({ all }) => all))
    expect(count(statuses.flat())).toEqual({ 503: BURST, 429: 60 - BURST })
    const fresh = await sign(current)
    expect([await statusOf(identity, fresh), await statusOf(identity, fresh, '203.0.113.8')]).toEqual([
      429, 200,
    ])
  })

  it('waits only where all addresses together leave room; else it is 503 at once', async () => {
    await openThenHang()
    const floods = await Promise.all([invented(40), invented(40), invented(40)])
    const sent = floods.map((tokens, at) => sendAll(tokens, `203.0.113.${at}`))
    await asked()
    expect(count(sent.flatMap(({ answers }) => answers))).toEqual({ 503: 120 - MAX_WAITING })
    letGo()
    expect(count((await Promise.all(sent.map(({ all }) => all))).flat())).toEqual({
      503: 20,
      401: MAX_WAITING,
    })
  })

  it('takes the room of each request that brings it', async () => {
    await openThenHang()
    const [token = ''] = await invented(1)
    const first = sendAll([token])
    await asked()
    const others = sendAll(Array<string>(250).fill(token))
    await eventually(
      () => others.answers.length,
      (length) => length > 250 - MAX_WAITING,
    )
    expect(count(others.answers)).toEqual({ 503: 251 - MAX_WAITING })
    letGo()
    expect(count([...(await first.all), ...(await others.all)])).toEqual({ 503: 151, 401: MAX_WAITING })
    const again = sendAll(await ofNextKey(1))
    expect(await again.all).toEqual([401])
  })

  it('is refused with all who bring it when they come at once and are too many', async () => {
    await openThenHang()
    const [token = ''] = await invented(1)
    expect(count(await sendAll(Array<string>(250).fill(token)).all)).toEqual({ 503: 250 })
  })
})

describe('after a change of keys', () => {
  const change = async (env: Readonly<Record<string, string>> = {}): Promise<void> => {
    await openThenHang(env)
    provider.keys = [current.jwk, next.jwk]
  }

  it('a burst of the first tokens gets in', async () => {
    await change()
    const { all } = sendAll(await ofNextKey(BURST))
    await asked()
    letGo()
    expect(count(await all)).toEqual({ 200: BURST })
  })

  it('so does one of requests with the same first token', async () => {
    await change()
    const [token = ''] = await ofNextKey(1)
    const { all } = sendAll(Array<string>(MAX_WAITING).fill(token))
    await asked()
    letGo()
    expect(count(await all)).toEqual({ 200: MAX_WAITING })
  })

  it('nothing is held against the address of its first tokens', async () => {
    await change({ AUTH_FAILURES_BURST: '5' })
    const { all } = sendAll(await ofNextKey(5))
    await asked()
    letGo()
    expect(count(await all)).toEqual({ 200: 5 })
    const bad = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((at) => sign({ ...stranger, kid: 'k-1' }, { claims: { at } })),
    )
    const statuses: number[] = []
    for (const token of bad) statuses.push(await statusOf(identity, token))
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429])
  })

  it('what did not get in at once does when it comes again', async () => {
    await change()
    const tokens = await ofNextKey(MAX_WAITING + 20)
    const { all } = sendAll(tokens)
    await asked()
    letGo()
    expect(count(await all)).toEqual({ 200: MAX_WAITING, 503: 20 })
    expect(count(await sendAll(tokens).all)).toEqual({ 200: MAX_WAITING + 20 })
  })

  it('a token that only names the new key is a failure', async () => {
    await change({ AUTH_FAILURES_BURST: '1' })
    const { all } = sendAll([await sign({ ...stranger, kid: 'k-2' })])
    await asked()
    letGo()
    expect(await all).toEqual([401])
    await expect(identifyWith(identity, await sign(current))).rejects.toMatchObject({
      problem: { status: 429 },
    })
  })
})
