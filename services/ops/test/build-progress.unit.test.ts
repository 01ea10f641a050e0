import { describe, expect, it } from '@jest/globals'
import { etaOf, makeRates } from '../src/build-progress.ts'

const STARTED = new Date(1_000)
const at = (atMs: number, applied: number) => ({ atMs, applied })

describe('the rate of a build', () => {
  it('is that since its start at first, and then that since the look before', () => {
    const rateOf = makeRates()
    expect(rateOf('a', at(3_000, 200), STARTED)).toBe(100)
    expect(rateOf('a', at(4_000, 1_200), STARTED)).toBe(1_000)
    expect(rateOf('a', at(5_000, 1_200), STARTED)).toBe(0)
  })

  it('is the same for two who look at the same time', () => {
    const rateOf = makeRates()
    rateOf('a', at(2_000, 100), STARTED)
    expect(rateOf('a', at(3_000, 1_100), STARTED)).toBe(1_000)
    expect(rateOf('a', at(3_001, 1_101), STARTED)).toBeCloseTo(1_000, 0)
  })

  it('is not known of one that has not begun, or has begun again, or by a clock that is behind', () => {
    const rateOf = makeRates()
    expect(rateOf('a', at(1_000, 0), STARTED)).toBeNull()
    rateOf('b', at(3_000, 500), STARTED)
    expect(rateOf('b', at(4_000, 10), STARTED)).toBeNull()
    expect(rateOf('c', at(500, 10), STARTED)).toBeNull()
  })

  it('is of each build alone', () => {
    const rateOf = makeRates()
    rateOf('a', at(2_000, 100), STARTED)
    expect(rateOf('b', at(3_000, 10), STARTED)).toBe(5)
  })
})

describe('the time that is left', () => {
  it.each([
    [0, null, 0],
    [100, 10, 10],
    [101, 10, 11],
    [1, 1_000, 1],
    [100, 0, null],
    [100, null, null],
    [1e9, 1e-7, null],
  ])('of %d records at %p a second is %p s', (remaining, rate, seconds) => {
    expect(etaOf(remaining, rate)).toBe(seconds)
  })
})
