import { describe, expect, it } from '@jest/globals'
import { bucketOf, hashOf, planBuckets } from '../src/buckets.ts'

const MIB = 1024 * 1024
const keys = Array.from({ length: 16_000 }, (_, index) => `demo/o-${index}`)

describe('buckets', () => {
  it('hash as FNV-1a does', () => {
    expect([hashOf(''), hashOf('a'), hashOf('foobar')]).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968])
  })

  it.each([1, 2, 16, 37])('hold each key once, whichever of %d it is', (of) => {
    const buckets = Array.from({ length: of }, (_, number) => bucketOf(number, of))
    for (const key of keys.slice(0, 1_000))
      expect(buckets.filter((bucket) => bucket.has(key))).toHaveLength(1)
  })

  it('are of about the same size', () => {
    for (let number = 0; number < 16; number++) {
      const held = keys.filter((key) => bucketOf(number, 16).has(key)).length
      expect(held).toBeGreaterThan(800)
      expect(held).toBeLessThan(1_200)
    }
  })
})

describe('what is checked', () => {
  it('is one bucket of sixteen, and after the last one the first', () => {
    const numbers = [0, 15, 16, 33].map((bucket) => {
      const [only, ...others] = planBuckets(1, { bucket })
      expect([only?.of, others]).toEqual([16, []])
      return Array.from({ length: 16 }, (_, number) => number).find((number) =>
        keys.slice(0, 50).every((key) => only?.has(key) === bucketOf(number, 16).has(key)),
      )
    })
    expect(numbers).toEqual([0, 15, 0, 1])
  })

  it('is all keys, in no more buckets than memory asks for', () => {
    expect(planBuckets(0, 'all').map(({ of }) => of)).toEqual([1])
    expect(planBuckets(100 * MIB, 'all').map(({ of }) => of)).toEqual([4, 4, 4, 4])
  })

  it('is a smaller part of a read model whose sixteenth would not fit', () => {
    expect(planBuckets(32 * 20 * MIB, { bucket: 3 }).map(({ of }) => of)).toEqual([20])
  })
})
