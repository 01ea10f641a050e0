import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { backoffMs, pause } from '../src/backoff.ts'

describe('the delay before a try', () => {
  it('doubles from the first to the most', () => {
    const delays = [1, 2, 3, 4, 5, 6].map((attempt) => backoffMs(attempt, { firstMs: 100, maxMs: 1_000 }))
    expect(delays).toEqual([100, 200, 400, 800, 1_000, 1_000])
  })

  it('is the most after any number of tries', () => {
    expect(backoffMs(100_000, { firstMs: 1, maxMs: 5_000 })).toBe(5_000)
  })
})

describe('a pause', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  it('ends after its time', async () => {
    const done = pause(1_000)
    await jest.advanceTimersByTimeAsync(999)
    expect(jest.getTimerCount()).toBe(1)
    await jest.advanceTimersByTimeAsync(1)
    await expect(done).resolves.toBeUndefined()
  })

  it('ends at once when it is aborted, and leaves no timer', async () => {
    const abort = new AbortController()
    const done = pause(1_000_000, abort.signal)
    abort.abort()
    await expect(done).resolves.toBeUndefined()
    expect(jest.getTimerCount()).toBe(0)
  })

  it('does not begin when it is aborted already', async () => {
    await expect(pause(1_000_000, AbortSignal.abort())).resolves.toBeUndefined()
    expect(jest.getTimerCount()).toBe(0)
  })

  it('leaves nothing behind on a signal that lives longer', async () => {
    const { signal } = new AbortController()
    const done = pause(10, signal)
    await jest.advanceTimersByTimeAsync(10)
    await done
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })
})
