import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { doorLimits } from '../../src/http/door-limits.ts'
import { DEFAULT_SOCKET_LIMITS } from '../../src/http/listen.ts'
import { doorEnv, readConfig } from '../../src/read-config.ts'

const limitsOf = (env: Record<string, string>) => doorLimits(readConfig(z.object(doorEnv), env))

describe('the limits of the door', () => {
  it('by default are those of every server that listens', () => {
    expect(DEFAULT_SOCKET_LIMITS).toMatchObject(limitsOf({}).sockets)
  })

  it('come from the environment', () => {
    const limits = limitsOf({ RATE_LIMIT_PER_SECOND: '7', MAX_CONNECTIONS: '8', DEADLINE_MS: '900' })
    expect(limits).toMatchObject({ rate: { perSecond: 7 }, sockets: { maxConnections: 8 }, deadlineMs: 900 })
  })

  it('never save up less than the requests of a second', () => {
    expect(limitsOf({ RATE_LIMIT_PER_SECOND: '50', RATE_LIMIT_BURST: '1' }).rate.burst).toBe(50)
  })

  it('cannot be switched off', () => {
    for (const name of Object.keys(doorEnv)) expect(() => limitsOf({ [name]: '0' })).toThrow(name)
  })
})
