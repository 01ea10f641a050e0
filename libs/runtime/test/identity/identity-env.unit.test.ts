import { describe, expect, it } from '@jest/globals'
import { createMetrics } from '../../src/metrics.ts'
import { silentLogger } from '../../src/logger.ts'
import { makeIdentify } from '../../src/identity/identify.ts'
import { ConfigError, readConfig } from '../../src/read-config.ts'
import { workerRules } from '../../src/service-env.ts'
import { z } from 'zod'
import { configOf, identityOf, providerEnv, statusOf, statusOfRequest } from './identity-fixture.ts'

type Env = Readonly<Record<string, string>>

const faultsIn = (run: () => unknown): readonly string[] => {
  try {
    run()
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}
const faultsOf = (env: Env): readonly string[] => faultsIn(() => configOf(env))

const WITH_KEYS = providerEnv('https://issuer.example/keys')
const { JWKS_URL: _, ...ISSUER_ONLY } = WITH_KEYS
const WITH_SECRET = { ...ISSUER_ONLY, JWT_SECRET: 's'.repeat(32) }
const PRODUCTION = { NODE_ENV: 'production', HOST: '0.0.0.0' }

describe('an identity provider', () => {
  it('lets a service listen on any address', () => {
    for (const env of [WITH_KEYS, WITH_SECRET]) expect(faultsOf({ ...env, HOST: '0.0.0.0' })).toEqual([])
  })

  it('has defaults for what is seldom set', () => {
    expect(configOf(WITH_KEYS)).toMatchObject({
      JWT_TYPE: ['at+jwt'],
      JWT_TENANT_CLAIM: 'tenant',
      JWKS_MAX_AGE_SECONDS: 600,
    })
  })

  it.each<[string, Env, RegExp]>([
    ['its issuer', { JWKS_URL: 'https://a.example', JWT_AUDIENCE: 'a' }, /^JWT_ISSUER: required/],
    ['our audience', { JWKS_URL: 'https://a.example', JWT_ISSUER: 'i' }, /^JWT_AUDIENCE: required/],
    ['a secret of 32 bytes', { ...WITH_SECRET, JWT_SECRET: 's'.repeat(31) }, /^JWT_SECRET: .* 32 bytes/],
    ['one source of keys', { ...WITH_KEYS, JWT_SECRET: 's'.repeat(32) }, /^JWT_SECRET: not together/],
    ['a web address', { ...WITH_KEYS, JWKS_URL: 'file:///etc/passwd' }, /^JWKS_URL: must be/],
    [
      'an address without a user',
      { ...WITH_KEYS, JWKS_URL: 'https://u:pw@a.example' },
      /^JWKS_URL: must not/,
    ],
    ['types that are named', { ...WITH_KEYS, JWT_TYPE: 'at+jwt,' }, /^JWT_TYPE: /],
    ['known algorithms', { ...WITH_KEYS, JWT_ALGORITHMS: 'ES256,none' }, /^JWT_ALGORITHMS: must be of/],
    [
      'no shared secret beside keys',
      { ...WITH_KEYS, JWT_ALGORITHMS: 'ES256, HS256' },
      /^JWT_ALGORITHMS: HS256/,
    ],
    ['no keys beside a secret', { ...WITH_SECRET, JWT_ALGORITHMS: 'RS256' }, /^JWT_ALGORITHMS: RS256/],
    ['as many bytes as the hash', { ...WITH_SECRET, JWT_ALGORITHMS: 'HS512' }, /^JWT_SECRET: HS512 .* 64/],
    ['no development token', { ...WITH_KEYS, DEV_TOKEN: 'd'.repeat(16) }, /^DEV_TOKEN: not together/],
  ])('needs %s', (_, env, fault) => {
    expect(faultsOf(env)).toEqual([expect.stringMatching(fault)])
  })
})

describe('without an identity provider', () => {
  it.each(['0.0.0.0', '::', '10.0.0.1', 'example.org'])('only loopback is safe, not %s', (HOST) => {
    expect(faultsOf({ HOST })).toEqual([expect.stringMatching(/^HOST: /)])
  })

  it.each(['127.0.0.1', '::1', 'localhost'])('%s is fine', (HOST) => {
    expect(faultsOf({ HOST })).toEqual([])
  })

  it.each(['JWT_ISSUER', 'JWT_AUDIENCE', 'REVOKED_TOKENS_FILE'])('%s shows a mistake', (name) => {
    expect(faultsOf({ [name]: 'set' })).toEqual([expect.stringMatching(`^${name}: means nothing`)])
  })

  it('a service that did not ask for the rules still lets nobody in', () => {
    const deps = { logger: silentLogger, metrics: createMetrics('test') }
    for (const more of [{ HOST: '0.0.0.0' }, { NODE_ENV: 'production' }]) {
      expect(faultsIn(() => makeIdentify({ ...configOf({}), ...more }, deps))).toEqual([
        expect.stringMatching(/^JWKS_URL: /),
      ])
    }
    const { JWT_AUDIENCE: _, ...noAudience } = configOf(WITH_KEYS)
    expect(faultsIn(() => makeIdentify(noAudience, deps))).toHaveLength(1)
  })
})

describe('112: production', () => {
  it('starts with what is safe', () => {
    const MONGO_URL = 'mongodb://millrace:a-long-password@a:27017,b:27017/?replicaSet=rs0&tls=true'
    for (const env of [WITH_KEYS, WITH_SECRET])
      expect(faultsOf({ ...PRODUCTION, ...env, MONGO_URL })).toEqual([])
  })

  it.each<[string, Env, RegExp]>([
    ['no identity', {}, /^JWKS_URL: production needs/],
    ['a development token', { ...WITH_KEYS, DEV_TOKEN: 'd'.repeat(16) }, /^DEV_TOKEN: /],
    ['keys over http', { ...WITH_KEYS, JWKS_URL: 'http://issuer.example/keys' }, /^JWKS_URL: must be https/],
    ['a short JWT_SECRET', { ...WITH_SECRET, JWT_SECRET: 'short' }, /^JWT_SECRET: /],
    ['a short TOKEN_SECRET', { ...WITH_KEYS, TOKEN_SECRET: 'short' }, /^TOKEN_SECRET: /],
    [
      'a JWT_SECRET for development',
      { ...WITH_SECRET, JWT_SECRET: `dev-only-${'x'.repeat(32)}` },
      /^JWT_SECRET: /,
    ],
    [
      'a TOKEN_SECRET for development',
      { ...WITH_KEYS, TOKEN_SECRET: `dev-only-${'x'.repeat(32)}` },
      /^TOKEN_SECRET: /,
    ],
    [
      'TLS that verifies nothing',
      { ...WITH_KEYS, NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      /^NODE_TLS_REJECT_UNAUTHORIZED: /,
    ],
    ...[
      ['an empty password', 'mongodb://millrace:@db:27017/'],
      ['the user as password', 'mongodb+srv://millrace:millrace@db.example/'],
      ['a password of the manual', 'mongodb://root:Example@a:27017,b:27017/?replicaSet=rs0'],
      ['a user without password', 'mongodb://millrace@db:27017/'],
      ['TLS for MongoDB that verifies nothing', 'mongodb://db/?tls=true&tlsAllowInvalidCertificates=true'],
    ].map(([name = '', MONGO_URL = '']): [string, Env, RegExp] => [
      name,
      { ...WITH_KEYS, MONGO_URL },
      /^MONGO_URL: /,
    ]),
  ])('refuses %s', (_, env, fault) => {
    expect(faultsOf({ ...env, NODE_ENV: 'production' })).toEqual([expect.stringMatching(fault)])
    // Outside production it is at most the length that counts.
    if (!String(fault).includes('SECRET')) expect(faultsOf({ ...WITH_KEYS, NODE_ENV: 'test' })).toEqual([])
  })

  it('says all faults at once, and no secret', () => {
    const faults = faultsOf({
      ...PRODUCTION,
      PORT: 'http',
      DEV_TOKEN: 'a-canary-of-a-token',
      TOKEN_SECRET: `dev-only-canary${'x'.repeat(32)}`,
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      MONGO_URL: 'mongodb://canary:canary@db:27017/',
    })
    expect(faults.map((fault) => fault.split(':')[0]).toSorted()).toEqual(
      [
        'PORT',
        'NODE_TLS_REJECT_UNAUTHORIZED',
        'MONGO_URL',
        'HOST',
        'JWKS_URL',
        'DEV_TOKEN',
        'TOKEN_SECRET',
      ].toSorted(),
    )
    expect(faults.join()).not.toMatch(/canary/)
  })

  it('is for services without an API too, but they need no identity', () => {
    const worker = (env: Env): readonly string[] => faultsIn(() => readConfig(z.object({}), env, workerRules))
    expect(worker(PRODUCTION)).toEqual([])
    expect(worker({ ...PRODUCTION, NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toHaveLength(1)
    expect(worker({ HOST: '0.0.0.0' })).toEqual([expect.stringMatching(/^HOST: /)])
  })
})

describe('development identity', () => {
  const TOKEN = 'dev-only-token-of-this-run'

  it('is said once, loudly, at the start', async () => {
    const identity = identityOf({ DEV_TOKEN: TOKEN })
    await Promise.all([1, 2, 3].map(() => statusOf(identity, undefined)))
    expect(identity.lines).toMatchObject([
      { level: 'warn', msg: expect.stringMatching(/^DEVELOPMENT IDENTITY/) },
    ])
  })

  it('is for whoever sends no token or the printed one; another one is 401, and not logged', async () => {
    const identity = identityOf({ DEV_TOKEN: TOKEN })
    const wrong = `${TOKEN.slice(0, -1)}x`
    expect([
      await statusOf(identity, undefined),
      await statusOf(identity, TOKEN),
      await statusOf(identity, wrong),
    ]).toEqual([200, 200, 401])
    expect(JSON.stringify(identity.lines)).not.toContain(TOKEN.slice(0, -1))
  })

  const statusFor = (method: string, headers: Readonly<Record<string, string>>) =>
    statusOfRequest(identityOf({ DEV_TOKEN: TOKEN }), { method, headers })

  it.each(['localhost', 'LOCALHOST:3001', 'api.localhost:3001', '127.0.0.1:3001', '127.1.2.3', '[::1]:3001'])(
    'is for callers of %s',
    async (host) => {
      expect(await statusFor('POST', { host })).toBe(200)
    },
  )

  it.each([
    'attacker.example',
    'localhost.attacker.example:3001',
    '127.0.0.1.attacker.example',
    'xlocalhost',
    '10.0.0.1',
    '',
  ])('is for callers of %j only with the printed token: their pages may not speak for it', async (host) => {
    expect(await statusFor('GET', { host })).toBe(401)
    expect(await statusFor('GET', { host, authorization: `Bearer ${TOKEN}` })).toBe(200)
  })

  it('is not for what a page of another site sends, though one may link to us', async () => {
    const headers = { host: 'localhost:3001', 'sec-fetch-site': 'cross-site' }
    expect([await statusFor('POST', headers), await statusFor('GET', headers)]).toEqual([401, 200])
    expect(await statusFor('POST', { ...headers, 'sec-fetch-site': 'same-origin' })).toBe(200)
  })

  it.each([
    'https://attacker.example',
    'null',
    'localhost:3001',
    'file://localhost',
    'http://localhost.attacker.example',
    'http://localhost:3001, https://attacker.example',
    '',
  ])('is not for what a page of %j sends, in a browser that says no more', async (origin) => {
    const headers = { host: 'localhost:3001', origin }
    for (const method of ['POST', 'PUT', 'DELETE']) expect(await statusFor(method, headers)).toBe(401)
    expect([await statusFor('GET', headers), await statusFor('HEAD', headers)]).toEqual([200, 200])
    expect(await statusFor('POST', { ...headers, authorization: `Bearer ${TOKEN}` })).toBe(200)
  })

  it.each(['http://localhost:3001', 'https://api.localhost', 'http://127.0.0.1:3001', 'http://[::1]:5173'])(
    'is for pages of %s: they are of this machine',
    async (origin) => {
      expect(await statusFor('POST', { host: 'localhost:3001', origin })).toBe(200)
    },
  )

  it('takes no token when none was printed', async () => {
    expect(await statusOf(identityOf({}), 'undefined')).toBe(401)
  })
})
