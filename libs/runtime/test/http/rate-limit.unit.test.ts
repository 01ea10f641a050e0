import { describe, expect, it } from '@jest/globals'
import { makeRateLimiter, type RateLimiter } from '../../src/http/rate-limit.ts'

const LIMITS = { perSecond: 10, burst: 20 }

/** How many of `count` requests at one moment pass. */
const passing = (
  limiter: RateLimiter,
  principal: string,
  { nowMs, count = 100 }: { nowMs: number; count?: number },
): number =>
  Array.from({ length: count }, () => limiter.take(principal, nowMs)).filter(({ isAllowed }) => isAllowed)
    .length

describe('a principal', () => {
  it('may make as many requests at once as it has saved up, then as many as come back', () => {
    const limiter = makeRateLimiter(LIMITS)
    expect(passing(limiter, 'a', { nowMs: 0 })).toBe(20)
    expect(passing(limiter, 'a', { nowMs: 99 })).toBe(0)
    expect(passing(limiter, 'a', { nowMs: 100 })).toBe(1)
    expect(passing(limiter, 'a', { nowMs: 600 })).toBe(5)
    expect(passing(limiter, 'a', { nowMs: 1_000_000 })).toBe(20)
  })

  it('that keeps to the rate is never refused', () => {
    const limiter = makeRateLimiter({ perSecond: 10, burst: 10 })
    const refused = Array.from({ length: 1_000 }, (_, index) => limiter.take('a', index * 100.001))
    expect(refused.filter(({ isAllowed }) => !isAllowed)).toEqual([])
  })

  it('does not take from others', () => {
    const limiter = makeRateLimiter(LIMITS)
    passing(limiter, 'a', { nowMs: 0 })
    expect(passing(limiter, 'b', { nowMs: 0 })).toBe(20)
  })

  it('is told when to come again', () => {
    const limiter = makeRateLimiter({ perSecond: 0.1, burst: 1 })
    expect(limiter.take('a', 0)).toEqual({
      isAllowed: true,
      remaining: 0,
      resetSeconds: 10,
      retrySeconds: 10,
    })
    expect(limiter.take('a', 4_000)).toEqual({
      isAllowed: false,
      remaining: 0,
      resetSeconds: 6,
      retrySeconds: 6,
    })
    expect(limiter.take('a', 10_000).isAllowed).toBe(true)
  })
})

describe('buckets', () => {
  it('are bounded: the one that was not used for longest is full again', () => {
    const limiter = makeRateLimiter(LIMITS, 2)
    for (const principal of ['a', 'b']) passing(limiter, principal, { nowMs: 0 })
    expect(passing(limiter, 'a', { nowMs: 0 })).toBe(0)
    expect(passing(limiter, 'c', { nowMs: 0 })).toBe(20)
    expect(passing(limiter, 'b', { nowMs: 0 })).toBe(20)
  })
})

describe('the answer', () => {
  it('has the quota, what is left of it, and when all of it is there again', () => {
    const limiter = makeRateLimiter(LIMITS)
    expect(limiter.headers(limiter.take('a', 0))).toEqual({
      'ratelimit-policy': '"principal";q=20;w=2',
      ratelimit: '"principal";r=19;t=1',
    })
  })

  it('to one too many is 429 with Retry-After, of a second at least', () => {
    const limiter = makeRateLimiter(LIMITS)
    passing(limiter, 'a', { nowMs: 0 })
    const { problem } = limiter.problem(limiter.take('a', 0))
    expect(problem).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1', ratelimit: '"principal";r=0;t=2' },
    })
  })
})
