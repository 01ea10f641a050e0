import type { z } from 'zod'
import type { doorEnv } from '../read-config.ts'
import type { SocketLimits } from './listen.ts'
import type { RateLimits } from './rate-limit.ts'
import type { LoadLimits } from './requests-under-way.ts'

export type DoorLimits = {
  readonly sockets: Omit<SocketLimits, 'maxBodyBytes'>
  readonly rate: RateLimits
  readonly load: LoadLimits
  readonly deadlineMs: number
}

export type DoorConfig = { readonly [Name in keyof typeof doorEnv]: z.infer<(typeof doorEnv)[Name]> }

/** The limits as the environment says, for the parts of the door. */
export const doorLimits = (config: DoorConfig): DoorLimits => ({
  sockets: {
    headersTimeoutMs: config.HEADERS_TIMEOUT_MS,
    requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    keepAliveTimeoutMs: config.KEEP_ALIVE_TIMEOUT_MS,
    answerTimeoutMs: config.ANSWER_TIMEOUT_MS,
    maxConnections: config.MAX_CONNECTIONS,
  },
  // A bucket that holds less than a second's worth would refuse the rate itself.
  rate: {
    perSecond: config.RATE_LIMIT_PER_SECOND,
    burst: Math.max(config.RATE_LIMIT_BURST, config.RATE_LIMIT_PER_SECOND),
  },
  load: {
    maxRequests: config.MAX_REQUESTS_UNDER_WAY,
    maxBodyBytes: config.MAX_BODY_BYTES_UNDER_WAY,
    ofOne: {
      maxRequests: config.MAX_REQUESTS_PER_PRINCIPAL,
      maxBodyBytes: config.MAX_BODY_BYTES_PER_PRINCIPAL,
    },
  },
  deadlineMs: config.DEADLINE_MS,
})
