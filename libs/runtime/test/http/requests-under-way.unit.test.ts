import { describe, expect, it } from '@jest/globals'
import { boundRequestsUnderWay } from '../../src/http/requests-under-way.ts'

const LIMITS = { maxRequests: 2, maxBodyBytes: 100 }

describe('requests under way', () => {
  it('are no more than may be, and one that leaves makes room for one', () => {
    const load = boundRequestsUnderWay(LIMITS)
    const first = load.enter()
    expect([first, load.enter()]).not.toContain(undefined)
    expect([load.enter(), load.requests]).toEqual([undefined, 2])
    first?.leave()
    first?.leave()
    expect(load.requests).toBe(1)
    expect([load.enter() === undefined, load.enter()]).toEqual([false, undefined])
  })

  it('hold no more bytes in all than may be', () => {
    const load = boundRequestsUnderWay(LIMITS)
    const [first, second] = [load.enter(), load.enter()]
    expect(first?.hold(60)).toBe(true)
    expect(second?.hold(40)).toBe(true)
    expect(second?.hold(1)).toBe(false)
    expect(load.bodyBytes).toBe(100)
    first?.leave()
    expect([load.bodyBytes, second?.hold(60)]).toEqual([40, true])
    second?.leave()
    expect(load.bodyBytes).toBe(0)
  })

  it('that have left hold nothing any more', () => {
    const load = boundRequestsUnderWay(LIMITS)
    const place = load.enter()
    place?.leave()
    expect([place?.hold(1), load.bodyBytes]).toEqual([false, 0])
  })

  it('are refused with 503 and Retry-After', () => {
    expect(boundRequestsUnderWay(LIMITS).overloaded().problem).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
    })
  })
})
