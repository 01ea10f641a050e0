import { LRUCache } from 'lru-cache'
import { problems, type ProblemError } from './problem.ts'

export type RateLimits = {
  /** Requests per second of one principal and replica, and how many it may save up. */
  readonly perSecond: number
  readonly burst: number
}

/** After one request: how many more would pass at once, and when. */
export type RateState = {
  readonly isAllowed: boolean
  readonly remaining: number
  /** Until all of the quota is there again. */
  readonly resetSeconds: number
  /** Until one more passes; 0 when it would at once. */
  readonly retrySeconds: number
}

export type RateLimiter = {
  /** Takes one from the bucket of `principal`, which is named with its tenant. */
  take(principal: string, nowMs?: number): RateState
  /** Both fields of the RateLimit draft, for an answer of any status. */
  headers(state: RateState): { readonly 'ratelimit-policy': string; readonly ratelimit: string }
  /** 429 with Retry-After and those fields. */
  problem(state: RateState): ProblemError
}

type Bucket = { tokens: number; filledAtMs: number }

/** A bucket that is forgotten is a full one, and who is among the last ten thousand does not notice. */
const MAX_BUCKETS = 10_000

/**
 * A token bucket per principal. The fields are structured fields as of draft-ietf-httpapi-ratelimit-headers-10: a quota
 * `q` of requests per window of `w` seconds, of which `r` are left; all are again after `t` seconds.
 */
export const makeRateLimiter = ({ perSecond, burst }: RateLimits, maxBuckets = MAX_BUCKETS): RateLimiter => {
  const buckets = new LRUCache<string, Bucket>({ max: maxBuckets })
  const policy = `"principal";q=${burst};w=${Math.ceil(burst / perSecond)}`

  const bucketOf = (principal: string, nowMs: number): Bucket => {
    const known = buckets.get(principal)
    if (known) return known
    const full = { tokens: burst, filledAtMs: nowMs }
    buckets.set(principal, full)
    return full
  }
  const headers: RateLimiter['headers'] = ({ remaining, resetSeconds }) => ({
    'ratelimit-policy': policy,
    ratelimit: `"principal";r=${remaining};t=${resetSeconds}`,
  })

  return {
    take: (principal, nowMs = performance.now()) => {
      const bucket = bucketOf(principal, nowMs)
      const filled = bucket.tokens + ((nowMs - bucket.filledAtMs) / 1000) * perSecond
      const isAllowed = filled >= 1
      bucket.tokens = Math.min(burst, filled) - (isAllowed ? 1 : 0)
      bucket.filledAtMs = nowMs
      return {
        isAllowed,
        remaining: Math.floor(bucket.tokens),
        resetSeconds: Math.ceil((burst - bucket.tokens) / perSecond),
        retrySeconds: bucket.tokens >= 1 ? 0 : Math.ceil((1 - bucket.tokens) / perSecond),
      }
    },
    headers,
    problem: (state) =>
      problems.tooManyRequests(`more than ${perSecond} requests per second, or ${burst} at once`, {
        headers: { 'retry-after': String(Math.max(1, state.retrySeconds)), ...headers(state) },
      }),
  }
}
