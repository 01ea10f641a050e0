import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { identityEnv } from '../src/identity/identity-env.ts'
import { ConfigError, EXIT_BAD_CONFIG, kafkaEnv, mongoEnv, readConfig } from '../src/read-config.ts'
import { apiRules, serviceEnv, workerRules } from '../src/service-env.ts'

const schema = z.object({
  ...serviceEnv({ port: 3001, adminPort: 4001 }),
  ...mongoEnv,
  ...kafkaEnv,
  ...identityEnv,
})
const GOOD = {
  MONGO_URL: 'mongodb://127.0.0.1:27017/?replicaSet=rs0',
  KAFKA_BROKERS: '127.0.0.1:9092, [::1]:9093',
  SCHEMA_REGISTRY_URL: 'http://127.0.0.1:8081/apis/ccompat/v7',
  TOKEN_SECRET: 'x'.repeat(32),
}
const faultsOf = (env: Record<string, string>): readonly string[] => {
  try {
    readConfig(schema, env, apiRules)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}
const namesOf = (faults: readonly string[]): string[] => faults.map((fault) => fault.split(':')[0] ?? '')

describe('a good environment', () => {
  it('is parsed, with defaults for what it leaves out', () => {
    expect(readConfig(schema, { ...GOOD, PORT: '0', PATH: '/bin' })).toEqual({
      ...GOOD,
      HOST: '127.0.0.1',
      PORT: 0,
      ADMIN_PORT: 4001,
      LOG_LEVEL: 'info',
      SHUTDOWN_TIMEOUT_MS: 20_000,
      MONGO_DATABASE: 'millrace',
      KAFKA_BROKERS: ['127.0.0.1:9092', '[::1]:9093'],
      JWT_TYPE: ['at+jwt'],
      JWT_TENANT_CLAIM: 'tenant',
      JWKS_MAX_AGE_SECONDS: 600,
      AUTH_FAILURES_BURST: 50,
      AUTH_FAILURES_PER_MINUTE: 60,
    })
  })

  it('is frozen', () => {
    expect(Object.isFrozen(readConfig(schema, GOOD))).toBe(true)
  })

  it('may name a variable and leave it empty', () => {
    expect(readConfig(schema, { ...GOOD, LOG_LEVEL: '', DEV_TOKEN: '' })).toMatchObject({ LOG_LEVEL: 'info' })
  })
})

describe('a bad environment', () => {
  it('is told with all its faults at once, each with the name of its variable', () => {
    const faults = faultsOf({
      HOST: '0.0.0.0',
      PORT: '70000',
      ADMIN_PORT: 'http',
      LOG_LEVEL: 'loud',
      MONGO_URL: 'postgres://there',
      MONGO_DATABASE: 'a b',
      KAFKA_BROKERS: 'there:9092,',
      DEV_TOKEN: 'short',
    })
    expect(namesOf(faults).toSorted()).toEqual(
      [
        ...['HOST', 'PORT', 'ADMIN_PORT', 'LOG_LEVEL', 'MONGO_URL', 'MONGO_DATABASE', 'KAFKA_BROKERS'],
        ...['DEV_TOKEN', 'SCHEMA_REGISTRY_URL', 'TOKEN_SECRET'],
      ].toSorted(),
    )
  })

  it('says what is required when nothing is set', () => {
    expect(faultsOf({})).toEqual([
      expect.stringMatching(/^MONGO_URL: required/),
      expect.stringMatching(/^KAFKA_BROKERS: required/),
      expect.stringMatching(/^SCHEMA_REGISTRY_URL: required/),
      expect.stringMatching(/^TOKEN_SECRET: required/),
    ])
  })

  it.each(['abc', '1.5', '-1', '65536', 'NaN', 'Infinity'])(
    'is told once that a port is none: %s',
    (PORT) => {
      expect(faultsOf({ ...GOOD, PORT })).toEqual(['PORT: must be a whole number from 0 to 65535'])
    },
  )

  it('says what a number without an upper bound must be', () => {
    const fault = 'SHUTDOWN_TIMEOUT_MS: must be a whole number, at least 100'
    for (const SHUTDOWN_TIMEOUT_MS of ['soon', '99'])
      expect(faultsOf({ ...GOOD, SHUTDOWN_TIMEOUT_MS })).toEqual([fault])
  })

  it('does not repeat a secret', () => {
    const faults = faultsOf({ ...GOOD, TOKEN_SECRET: 'too-short-secret', DEV_TOKEN: 'hunter2' })
    expect(namesOf(faults).toSorted()).toEqual(['DEV_TOKEN', 'TOKEN_SECRET'])
    expect(faults.join()).not.toMatch(/too-short-secret|hunter2/)
  })

  it('ends a process with the code for a configuration that cannot be used', () => {
    expect(EXIT_BAD_CONFIG).toBe(78)
    expect(new ConfigError(['A: no', 'B: no']).message).toMatch(/\n {2}- A: no\n {2}- B: no$/)
  })
})

describe('NODE_ENV', () => {
  const worker = z.object(serviceEnv({ port: 0, adminPort: 0 }))

  it.each(['Production', 'PRODUCTION', 'production ', 'prod', 'staging', 'dev'])(
    'is no development run for being %j',
    (NODE_ENV) => {
      const fault = [expect.stringMatching(/^NODE_ENV: must be production, development or test/)]
      expect(faultsOf({ ...GOOD, NODE_ENV })).toEqual(fault)
      expect(() => readConfig(worker, { NODE_ENV }, workerRules)).toThrow(/NODE_ENV/)
    },
  )

  it.each(['development', 'test', ''])('may be %j', (NODE_ENV) => {
    expect(faultsOf({ ...GOOD, NODE_ENV })).toEqual([])
    expect(() => readConfig(worker, { NODE_ENV }, workerRules)).not.toThrow()
  })
})
