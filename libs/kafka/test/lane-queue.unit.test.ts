import { describe, expect, it } from '@jest/globals'
import { makeLaneQueue } from '../src/lane-queue.ts'
import { chunkOf, offsetsOf } from './chunks.ts'

const limits = { maxBatchRecords: 100, maxBatchBytes: 10_000 }

describe('a lane queue', () => {
  it('hands over everything that is queued at once', () => {
    const queue = makeLaneQueue()
    queue.put(chunkOf([0n, 1n]))
    queue.put(chunkOf([2n]))
    const taken = queue.take(0n, limits)
    expect(offsetsOf(taken?.records)).toEqual([0n, 1n, 2n])
    expect(taken?.endOffset).toBe(3n)
    expect(queue.take(0n, limits)).toBeNull()
  })

  it('hands over no more records than the limit, in order', () => {
    const queue = makeLaneQueue()
    queue.put(chunkOf([0n, 1n, 2n]))
    queue.put(chunkOf([3n, 4n]))
    const batches = [1, 2, 3].map(() => queue.take(0n, { ...limits, maxBatchRecords: 2 }))
    expect(batches.map((taken) => offsetsOf(taken?.records))).toEqual([[0n, 1n], [2n, 3n], [4n]])
    expect(batches.map((taken) => taken?.endOffset)).toEqual([2n, 4n, 5n])
  })

  it('hands over no more bytes than the limit, but always one record', () => {
    const queue = makeLaneQueue()
    queue.put(chunkOf([0n, 1n, 2n], { sizes: [60, 60, 5_000] }))
    const taken = [1, 2, 3].map(() => queue.take(0n, { ...limits, maxBatchBytes: 100 }))
    expect(taken.map((batch) => offsetsOf(batch?.records))).toEqual([[0n], [1n], [2n]])
  })

  it('counts the bytes and records that are left', () => {
    const queue = makeLaneQueue()
    queue.put(chunkOf([0n, 1n, 2n], { sizes: [10, 20, 30] }))
    queue.take(0n, { ...limits, maxBatchRecords: 1 })
    expect([queue.bytes(), queue.records()]).toEqual([50, 2])
    queue.clear()
    expect([queue.bytes(), queue.records()]).toEqual([0, 0])
  })

  it('drops records below the wanted offset', () => {
    const queue = makeLaneQueue()
    queue.put(chunkOf([5n, 6n, 7n], { sizes: [10, 10, 10] }))
    expect(offsetsOf(queue.take(7n, limits)?.records)).toEqual([7n])
    expect(queue.bytes()).toBe(0)
  })

  it('is done beyond the last record where a fetch covered more', () => {
    const queue = makeLaneQueue()
    queue.put(chunkOf([5n, 9n], { endOffset: 30n }))
    expect(queue.take(0n, limits)?.endOffset).toBe(30n)
  })

  it('tells of offsets that hold nothing visible', () => {
    const queue = makeLaneQueue()
    queue.putInvisible(12n)
    expect(queue.take(0n, limits)).toEqual({ records: [], endOffset: 12n })
  })

  it('hands over a jump by itself, even to lower offsets', () => {
    const queue = makeLaneQueue()
    queue.put(chunkOf([50n]))
    queue.put({ ...chunkOf([0n, 1n]), isJump: true })
    expect(offsetsOf(queue.take(50n, limits)?.records)).toEqual([50n])
    expect(offsetsOf(queue.take(51n, limits)?.records)).toEqual([0n, 1n])
  })
})
