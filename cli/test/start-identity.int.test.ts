import { describe, expect, it } from '@jest/globals'
import { loadConfig as loadCommandApi } from '../../services/command-api/src/config.ts'
import { loadConfig as loadQueryApi } from '../../services/query-api/src/config.ts'
import { loadConfig, loadStartConfig } from '../src/config.ts'
import { exitCodeOf } from '../src/exit-codes.ts'
import { identityOfRun } from '../src/start/run-identity.ts'
import { planServices } from '../src/start/service-specs.ts'

const SECRETS = { token: `dev-only-${'t'.repeat(32)}`, tokenSecret: `dev-only-${'s'.repeat(64)}` }
const URLS = {
  kafka: '127.0.0.1:9092',
  mongo: 'mongodb://127.0.0.1:27017/?replicaSet=rs0',
  registry: 'http://127.0.0.1:8081/apis/ccompat/v7',
}
const OF_USER = {
  JWT_SECRET: 'j'.repeat(32),
  JWT_ISSUER: 'https://issuer.example',
  JWT_AUDIENCE: 'millrace',
}

type Env = Readonly<Record<string, string>>

/** What the services read that a start with these variables of the user runs. */
const environments = async (ofUser: Env): Promise<Env[]> => {
  const config = loadConfig(ofUser)
  const specs = await planServices({
    config,
    urls: URLS,
    secrets: SECRETS,
    identity: identityOfRun(config, SECRETS),
  })
  return specs.filter(({ url }) => url !== null).map(({ env }) => ({ ...ofUser, ...env }))
}

describe('the services of a development run', () => {
  it('have its token', async () => {
    const [commandApi = {}, queryApi = {}] = await environments({})
    expect(loadCommandApi(commandApi).DEV_TOKEN).toBe(SECRETS.token)
    expect(loadQueryApi(queryApi).DEV_TOKEN).toBe(SECRETS.token)
  })

  it.each<[string, Env]>([
    ['a secret', OF_USER],
    ['keys', { ...OF_USER, JWT_SECRET: '', JWKS_URL: 'http://127.0.0.1/keys' }],
  ])('start with the %s of an identity provider, and without that token', async (_, ofUser) => {
    const [commandApi = {}, queryApi = {}] = await environments(ofUser)
    expect(loadCommandApi(commandApi)).toMatchObject({ JWT_ISSUER: OF_USER.JWT_ISSUER })
    expect(loadQueryApi(queryApi)).toMatchObject({ JWT_ISSUER: OF_USER.JWT_ISSUER })
    expect([commandApi['DEV_TOKEN'], queryApi['DEV_TOKEN']]).toEqual([undefined, undefined])
  })

  it('get heartbeats with a token that the provider takes, or none', () => {
    const tokenWith = (env: Env) => identityOfRun(loadConfig(env), SECRETS).token
    expect(tokenWith({ MILLRACE_TOKEN: 'of-another' })).toBe(SECRETS.token)
    expect(tokenWith({ ...OF_USER, MILLRACE_TOKEN: 'of-provider' })).toBe('of-provider')
    expect(tokenWith(OF_USER)).toBeUndefined()
  })
})

describe('millrace start', () => {
  it.each(['production', 'Production', 'staging'])('is not for %s: 78', (NODE_ENV) => {
    const load = () => loadStartConfig({ NODE_ENV })
    expect(load).toThrow(/NODE_ENV: .*is for development/)
    try {
      load()
    } catch (error) {
      expect(exitCodeOf(error)).toBe(78)
    }
  })

  it.each(['', 'development', 'test'])('is for NODE_ENV=%s', (NODE_ENV) => {
    expect(loadStartConfig({ NODE_ENV })).toMatchObject({ MONGO_DATABASE: 'millrace' })
  })
})
