import { describe, expect, it } from '@jest/globals'
import { countWithin } from '../src/count-within.ts'

const count = (items: readonly number[], maxBytes: number): number =>
  countWithin(items, (bytes) => bytes, maxBytes)

describe('as many as fit', () => {
  it('are all, when all fit to the byte', () => {
    expect(count([1, 2, 3], 6)).toBe(3)
  })

  it('end before the first that does not fit, although a later one would', () => {
    expect(count([3, 4, 1], 6)).toBe(1)
  })

  it('are one when the first alone does not fit', () => {
    expect(count([7, 1], 6)).toBe(1)
  })

  it('are none of none', () => {
    expect(count([], 6)).toBe(0)
  })
})
