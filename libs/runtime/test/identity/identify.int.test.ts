import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { ConfigError } from '../../src/read-config.ts'
import {
  identifyWith,
  identityOf,
  makeKey,
  openProvider,
  providerEnv,
  requestWith,
  secondsNow,
  sign,
  statusOf,
  type Provider,
  type SigningKey,
  type TestIdentity,
} from './identity-fixture.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

let first: SigningKey
let second: SigningKey
let provider: Provider
let identity: TestIdentity
let nowMs: number

beforeAll(async () => {
  first = await makeKey('ES256', 'k-1')
  second = await makeKey('ES256', 'k-2')
})
const open = (env: Readonly<Record<string, string>> = {}): TestIdentity => {
  identity = identityOf(providerEnv(provider.url, env), () => nowMs)
  return identity
}
beforeEach(async () => {
  nowMs = Date.now()
  provider = await openProvider([first.jwk])
})
afterEach(async () => {
  identity.close()
  await provider.close()
})

const signFor = (key: SigningKey, claims: Record<string, unknown> = {}): Promise<string> =>
  sign(key, { claims: { exp: secondsNow() + 86_400, ...claims } })
const fail = (): void => {
  provider.answer = (_, response) => void response.writeHead(500).end()
}
const verifications = async (outcome: string): Promise<number> => {
  const text = await identity.metrics.registry.metrics()
  const line = new RegExp(
    `^millrace_identity_verifications_total\\{.*outcome="${outcome}".*\\} (\\d+)$`,
    'm',
  ).exec(text)
  return Number(line?.[1] ?? 0)
}

describe('a token that was verified', () => {
  it('is known at once, by the same principal, until its end and leeway are over', async () => {
    open()
    const exp = Math.floor(nowMs / SECOND) + 100
    const token = await signFor(first, { exp })
    const principal = await identifyWith(identity, token)
    expect(identity.identify(requestWith(token))).toBe(principal)
    nowMs = (exp + 60) * SECOND - 1
    expect(identity.identify(requestWith(token))).toBe(principal)
    nowMs += 1
    expect(await statusOf(identity, token)).toBe(401)
    expect(await verifications('verified')).toBe(1)
  })

  it('is verified once for all who bring it at the same time', async () => {
    open()
    const token = await signFor(first)
    const found = await Promise.all(Array.from({ length: 100 }, () => identifyWith(identity, token)))
    expect(new Set(found).size).toBe(1)
    expect(await verifications('verified')).toBe(1)
  })

  it('is another one when one bit of it is', async () => {
    open()
    const token = await signFor(first)
    await identifyWith(identity, token)
    const at = token.lastIndexOf('.') + 5
    const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
    expect(await statusOf(identity, changed)).toBe(401)
  })

  it('is not believed for longer than its key', async () => {
    open({ JWKS_MAX_AGE_SECONDS: '600' })
    const token = await signFor(first)
    await identifyWith(identity, token)
    fail()
    nowMs += 10 * MINUTE - 1
    expect(await statusOf(identity, token)).toBe(200)
    nowMs += 1
    expect(await statusOf(identity, token)).toBe(503)
  })
})

describe('the keys of the provider', () => {
  it('are asked for once at the start, before anybody comes', async () => {
    open()
    await identity.ready()
    expect(provider.asked).toHaveLength(1)
    expect(await statusOf(identity, await signFor(first))).toBe(200)
    expect(provider.asked).toHaveLength(1)
  })

  it('9: are asked for again once in 30 s, however many unknown ones are named', async () => {
    open({ AUTH_FAILURES_BURST: '100000' })
    await identity.ready()
    const stranger = await makeKey('ES256', 'k-0')
    const flood = async (): Promise<number[]> => {
      const tokens = await Promise.all(
        Array.from({ length: 1_000 }, (_, at) => sign(stranger, { header: { kid: `k-${at}-${nowMs}` } })),
      )
      return Promise.all(tokens.map((token) => statusOf(identity, token)))
    }
    expect(new Set(await flood())).toEqual(new Set([401]))
    expect(provider.asked).toHaveLength(1)
    nowMs += 30 * SECOND
    // Not all of them may wait for the answer.
    expect(new Set(await flood())).toEqual(new Set([401, 503]))
    expect(provider.asked).toHaveLength(2)
    nowMs += 30 * SECOND - 1
    expect(new Set(await flood())).toEqual(new Set([401]))
    expect(provider.asked).toHaveLength(2)
  })

  it('are not asked for again for a token that no key could help', async () => {
    open()
    await identity.ready()
    nowMs += 30 * SECOND
    const stranger = await makeKey('PS256', 'k-0')
    expect(await statusOf(identity, await sign(stranger))).toBe(401)
    expect(
      await statusOf(identity, await sign(await makeKey('ES256', 'k-0'), { header: { typ: 'JWT' } })),
    ).toBe(401)
    expect(provider.asked).toHaveLength(1)
  })

  it('10: change: a new one is good within 30 s, an old one until the others are asked for again', async () => {
    open()
    const [oldToken, newToken] = [await signFor(first), await signFor(second)]
    expect(await statusOf(identity, oldToken)).toBe(200)
    provider.keys = [first.jwk, second.jwk]
    nowMs += 30 * SECOND
    expect(await statusOf(identity, newToken)).toBe(200)
    provider.keys = [second.jwk]
    nowMs += 4 * MINUTE
    expect([
      await statusOf(identity, oldToken),
      await statusOf(identity, await signFor(first, { jti: '2' })),
    ]).toEqual([200, 200])
    nowMs += MINUTE
    const asked = provider.asked.length
    // Whoever comes first after half of their age has them asked for, behind its own answer.
    expect(await statusOf(identity, newToken)).toBe(200)
    await eventually(
      () => statusOf(identity, oldToken),
      (status) => status === 401,
    )
    expect(provider.asked).toHaveLength(asked + 1)
    expect(await statusOf(identity, newToken)).toBe(200)
  })

  it('10: that are taken back while nobody asks end with their maximum age', async () => {
    open()
    const token = await signFor(first)
    expect(await statusOf(identity, token)).toBe(200)
    provider.keys = [second.jwk]
    nowMs += 10 * MINUTE
    expect(await statusOf(identity, token)).toBe(401)
  })

  it('may come under the same name as an old one', async () => {
    open()
    const token = await signFor(first)
    expect(await statusOf(identity, token)).toBe(200)
    provider.keys = [{ ...second.jwk, kid: 'k-1' }]
    nowMs += 10 * MINUTE
    expect(await statusOf(identity, token)).toBe(401)
    expect(await statusOf(identity, await signFor({ ...second, kid: 'k-1' }))).toBe(200)
  })
})

describe('a provider that does not answer', () => {
  it('is an outage, not a bad token, and is not asked by everybody', async () => {
    fail()
    open()
    await expect(identity.ready()).rejects.toThrow(/does not give its keys/)
    const token = await signFor(first)
    const statuses = await Promise.all(Array.from({ length: 100 }, () => statusOf(identity, token)))
    expect(new Set(statuses)).toEqual(new Set([503]))
    expect(provider.asked).toHaveLength(1)
    expect(await verifications('unavailable')).toBe(1)
    await expect(identifyWith(identity, token)).rejects.toMatchObject({ retryable: true })
    provider.answer = undefined
    nowMs += 2 * SECOND
    expect(await statusOf(identity, token)).toBe(200)
    await identity.ready()
  })

  it('is not noticed while its keys are young, but for a token that may have a new one', async () => {
    open()
    await identity.ready()
    fail()
    nowMs += 9 * MINUTE
    expect(await statusOf(identity, await signFor(first))).toBe(200)
    expect(await statusOf(identity, await signFor(second))).toBe(503)
    await identity.ready()
  })

  it('leaves nobody limited: an outage is no failure of theirs', async () => {
    fail()
    open({ AUTH_FAILURES_BURST: '1' })
    const token = await signFor(first)
    for (const _ of [1, 2, 3]) expect(await statusOf(identity, token)).toBe(503)
  })
})

describe('tokens that fail', () => {
  const badTokens = (count: number): Promise<string[]> =>
    Promise.all(Array.from({ length: count }, (_, at) => sign({ ...second, kid: 'k-1' }, { claims: { at } })))

  it('are not verified above the limit of their address: 429 with Retry-After, and no one else is limited', async () => {
    open({ AUTH_FAILURES_BURST: '5', AUTH_FAILURES_PER_MINUTE: '6' })
    const [known, unknown] = [await signFor(first), await signFor(first, { jti: 'unknown' })]
    await identifyWith(identity, known, '203.0.113.1')
    const statuses: number[] = []
    for (const token of await badTokens(20)) statuses.push(await statusOf(identity, token, '203.0.113.1'))
    expect(statuses).toEqual([...Array<number>(5).fill(401), ...Array<number>(15).fill(429)])
    expect(await verifications('signature')).toBe(5)
    await expect(identifyWith(identity, unknown, '203.0.113.1')).rejects.toMatchObject({
      problem: { status: 429, headers: { 'retry-after': '10' } },
    })
    expect(await statusOf(identity, known, '203.0.113.1')).toBe(200)
    expect(await statusOf(identity, unknown, '203.0.113.2')).toBe(200)
    expect(await identity.metrics.registry.metrics()).toMatch(
      /millrace_identity_failures_limited_total\{.*\} 16$/m,
    )
    nowMs += 10 * SECOND
    const [another = ''] = await badTokens(1)
    expect([
      await statusOf(identity, another, '203.0.113.1'),
      await statusOf(identity, another, '203.0.113.1'),
    ]).toEqual([401, 429])
  })

  it('are limited too when they come all at once', async () => {
    open({ AUTH_FAILURES_BURST: '5' })
    await identity.ready()
    const tokens = await badTokens(500)
    const statuses = await Promise.all(tokens.map((token) => statusOf(identity, token)))
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(480)
    expect(await verifications('signature')).toBeLessThan(20)
  })
})

describe('a revoked token', () => {
  let folder: string
  let path: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-revoked-'))
    path = join(folder, 'revoked')
    await writeFile(path, '')
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('24: is refused though it was verified before', async () => {
    open({ REVOKED_TOKENS_FILE: path })
    const [bad, good] = [await signFor(first, { jti: 'a' }), await signFor(first, { jti: 'b' })]
    expect([await statusOf(identity, bad), await statusOf(identity, good)]).toEqual([200, 200])
    // As a mounted ConfigMap changes: by another file in its place.
    await writeFile(`${path}.new`, '# stolen\r\na\r\n')
    await rename(`${path}.new`, path)
    await eventually(
      () => statusOf(identity, bad),
      (status) => status === 401,
    )
    expect(await statusOf(identity, good)).toBe(200)
    expect(identity.lines).toContainEqual(expect.objectContaining({ reason: 'revoked' }))
  })

  it('needs a list that can be read', () => {
    expect(() => identityOf(providerEnv(provider.url, { REVOKED_TOKENS_FILE: folder }))).toThrow(ConfigError)
    expect(() => identityOf(providerEnv(provider.url, { REVOKED_TOKENS_FILE: `${path}-none` }))).toThrow(
      /REVOKED_TOKENS_FILE/,
    )
    open()
  })
})

describe('with a shared secret', () => {
  const SECRET = 'a secret of more than thirty-two bytes'
  const sharedKey = async (secret: string): Promise<SigningKey> => ({
    kid: 'none',
    alg: 'HS256',
    jwk: {},
    privateKey: await crypto.subtle.importKey(
      'raw',
      Buffer.from(secret),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['sign'],
    ),
  })

  it('a token signed with it is good, with another one or a key is not, and no provider is asked', async () => {
    const { JWKS_URL: _, ...env } = providerEnv(provider.url, { JWT_SECRET: SECRET })
    identity = identityOf(env)
    await identity.ready()
    expect(await statusOf(identity, await signFor(await sharedKey(SECRET)))).toBe(200)
    expect(await statusOf(identity, await signFor(await sharedKey(`${SECRET}!`)))).toBe(401)
    expect(await statusOf(identity, await signFor(first))).toBe(401)
    expect(provider.asked).toEqual([])
  })
})
