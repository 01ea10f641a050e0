import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Call } from '../../src/http/route.ts'
import { openDoor, openRaw, post, type TestDoor } from '../http/http-fixture.ts'
import { badTokens, makeKeys, weakKey, type Keys } from './bad-tokens.ts'
import {
  identityOf,
  openProvider,
  providerEnv,
  secondsNow,
  sign,
  type Provider,
  type TestIdentity,
} from './identity-fixture.ts'

let keys: Keys
let provider: Provider
let attacker: Provider
let identity: TestIdentity
let door: TestDoor
let folder: string
let seen: Call | undefined

beforeAll(async () => {
  keys = await makeKeys()
  attacker = await openProvider([keys.es.jwk])
  provider = await openProvider([keys.es.jwk, keys.rs.jwk, keys.ed.jwk, weakKey])
  folder = await mkdtemp(join(tmpdir(), 'millrace-identity-'))
  await writeFile(join(folder, 'revoked'), 'jti-other\njti-revoked\n')
  identity = identityOf(
    providerEnv(provider.url, {
      REVOKED_TOKENS_FILE: join(folder, 'revoked'),
      AUTH_FAILURES_BURST: '100000',
    }),
  )
  door = await openDoorWith(identity, (call) => {
    seen = call
  })
})
afterAll(async () => {
  identity.close()
  await Promise.all([door.close(), provider.close(), attacker.close()])
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  identity.lines.length = 0
  door.lines.length = 0
  seen = undefined
})

/** With one route, for everybody who is known. */
const openDoorWith = ({ identify }: TestIdentity, onCall: (call: Call) => void): Promise<TestDoor> => {
  const route = post('/orders', (call) => {
    onCall(call)
    return { status: 200 }
  })
  return openDoor([{ ...route, scope: null }], { identify })
}

const call = (token: string | undefined, query = ''): Promise<Response> =>
  fetch(`${door.url}/orders${query}`, {
    method: 'POST',
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  })

/** All of the answer that may differ between two causes, if any did. */
const tellTale = async (response: Response) => {
  const { instance: _, ...problem } = (await response.json()) as Record<string, unknown>
  const { 'x-request-id': _id, date: _date, ...headers } = Object.fromEntries(response.headers)
  return { status: response.status, problem, headers }
}

const everythingLogged = (): string => JSON.stringify([...identity.lines, ...door.lines])

describe('a good token', () => {
  it.each(['es', 'rs', 'ed'] as const)('is let in with its tenant and scopes: %s', async (name) => {
    expect((await call(await sign(keys[name]))).status).toBe(200)
    expect(seen?.principal).toEqual({
      id: 'user-1',
      tenant: 'acme',
      scopes: new Set(['orders:write', 'streams:read']),
    })
  })

  it.each([
    ['of another of our audiences', { aud: ['other', 'millrace'] }],
    ['expired by 50 s, within the leeway', { exp: secondsNow() - 50 }],
    ['from a clock that is 50 s ahead', { iat: secondsNow() + 50, nbf: secondsNow() + 50 }],
    ['with a jti that is not revoked', { jti: 'jti-fine' }],
  ])('may be %s', async (_, claims) => {
    expect((await call(await sign(keys.es, { claims }))).status).toBe(200)
  })

  it.each([
    [{ scope: undefined, scp: 'a b' }, ['a', 'b']],
    [{ scope: undefined, scp: ['a', 'b'] }, ['a', 'b']],
    [{ scope: undefined }, []],
    [{ scope: '' }, []],
  ])('has its scopes in scope or scp: %j', async (claims, scopes) => {
    expect((await call(await sign(keys.es, { claims }))).status).toBe(200)
    expect(seen?.principal.scopes).toEqual(new Set(scopes))
  })

  it('may write its type in full and in capitals', async () => {
    const token = await sign(keys.es, { header: { typ: 'application/AT+JWT' } })
    expect((await call(token)).status).toBe(200)
  })
})

describe('a bad token', () => {
  // The names only: the address is known later.
  it.each(Object.keys(badTokens('')))('is refused like all others, 401: %s', async (name) => {
    const { reason, make } = badTokens(attacker.url)[name] ?? { reason: '', make: () => '' }
    const token = await make(keys)
    const reference = await tellTale(await call('x.y.z'))
    identity.lines.length = 0
    const answer = await tellTale(await call(token))
    expect(answer).toEqual(reference)
    expect(answer).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
    })
    expect(seen).toBeUndefined()
    expect(identity.lines).toMatchObject([{ level: 'info', msg: 'token refused', reason }])
    expect(attacker.asked).toEqual([])
    expect(provider.asked).toHaveLength(1)
    const tail = token.split('.').at(-1) || token
    if (tail !== '') expect(everythingLogged()).not.toContain(tail)
    if (tail !== '') expect(await identity.metrics.registry.metrics()).not.toContain(tail)
  })

  it('1: that is not there gets the same body, and no error in the challenge', async () => {
    const reference = await tellTale(await call('x.y.z'))
    const answer = await tellTale(await call(undefined))
    expect(answer).toEqual({ ...reference, headers: { ...reference.headers, 'www-authenticate': 'Bearer' } })
  })

  it('of another scheme is none', async () => {
    const response = await fetch(`${door.url}/orders`, {
      method: 'POST',
      headers: { authorization: 'Basic dXNlcjpwYXNz' },
    })
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    expect(everythingLogged()).not.toContain('dXNlcjpwYXNz')
  })

  it('20: of 64 KB does not get past the headers: 431', async () => {
    const raw = await openRaw(door.url)
    raw.socket.write(
      `POST /orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${'a'.repeat(65_536)}\r\n\r\n`,
    )
    expect(await raw.ended).toMatch(/^HTTP\/1\.1 431 /)
    expect(identity.lines).toEqual([])
  })

  it.each(['Authorization', 'AUTHORIZATION'])(
    '21: is not looked for in the second of two headers: 400 (%s)',
    async (name) => {
      const token = await sign(keys.es)
      const raw = await openRaw(door.url)
      raw.socket.write(
        `POST /orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n${name}: Bearer ${token}\r\nconnection: close\r\n\r\n`,
      )
      expect(await raw.ended).toMatch(/^HTTP\/1\.1 400 /)
      expect(seen).toBeUndefined()
    },
  )

  it('22: is not looked for in the query, and that is not logged', async () => {
    const token = await sign(keys.es)
    const response = await call(undefined, `?access_token=${token}&token=${token}`)
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    expect(everythingLogged()).not.toContain(token.split('.')[2])
  })
})

describe('with other settings', () => {
  it('4: an RS256 token is refused where only ES256 is allowed', async () => {
    const strict = identityOf(providerEnv(provider.url, { JWT_ALGORITHMS: 'ES256' }))
    const open = await openDoorWith(strict, () => undefined)
    const statusWith = async (key: 'es' | 'rs'): Promise<number> =>
      (
        await fetch(`${open.url}/orders`, {
          method: 'POST',
          headers: { authorization: `Bearer ${await sign(keys[key])}` },
        })
      ).status
    expect([await statusWith('rs'), await statusWith('es')]).toEqual([401, 200])
    expect(strict.lines).toMatchObject([{ reason: 'algorithm' }])
    await open.close()
  })
})
