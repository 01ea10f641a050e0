import { describe, expect, it } from '@jest/globals'
import { makeDeadlines } from '../../src/http/deadline.ts'
import type { ProblemError } from '../../src/http/problem.ts'

const TICK_MS = 5

/** Resolves with the problem when the deadline passes. */
const passing = (ms: number, deadlines = makeDeadlines(TICK_MS)) => {
  const passed = Promise.withResolvers<ProblemError>()
  const deadline = deadlines.start(ms, passed.resolve)
  return { deadline, passed: passed.promise }
}

describe('a deadline', () => {
  it('that passes aborts its signal and gives a 504, not before its time', async () => {
    const startedAt = performance.now()
    const { deadline, passed } = passing(50)
    const { signal } = deadline
    expect([signal.aborted, deadline.hasPassed]).toEqual([false, false])
    const error = await passed
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(50)
    expect(error.problem).toMatchObject({ status: 504, detail: expect.stringContaining('within 0.05 s') })
    expect([deadline.hasPassed, signal.aborted, signal.reason]).toEqual([true, true, error])
  })

  it('that has passed gives an aborted signal to whoever asks late', async () => {
    const { deadline, passed } = passing(1)
    const error = await passed
    expect(deadline.signal.reason).toBe(error)
  })

  it('that was met does not pass', async () => {
    const deadlines = makeDeadlines(TICK_MS)
    const met = deadlines.start(1, () => {
      throw new Error('was met')
    })
    met.end()
    await passing(20, deadlines).passed
    expect([met.hasPassed, met.signal.aborted, deadlines.size]).toEqual([false, false, 0])
  })

  it('nobody waits for aborts its signal for the reason given, and does not pass', async () => {
    const deadlines = makeDeadlines(TICK_MS)
    const reason = new Error('client gone')
    const left = deadlines.start(1, () => {
      throw new Error('was left')
    })
    const { signal } = left
    left.abandon(reason)
    await passing(20, deadlines).passed
    expect([signal.reason, left.signal.reason, left.hasPassed]).toEqual([reason, reason, false])
  })

  it('waits neither for a longer one nor makes a shorter one wait', async () => {
    const deadlines = makeDeadlines(TICK_MS)
    const order: string[] = []
    const long = Promise.withResolvers<void>()
    deadlines.start(120, () => {
      order.push('long')
      long.resolve()
    })
    deadlines.start(20, () => order.push('short'))
    deadlines.start(60, () => order.push('middle'))
    expect(deadlines.size).toBe(3)
    await long.promise
    expect(order).toEqual(['short', 'middle', 'long'])
    expect(deadlines.size).toBe(0)
  })

  it('does not pass too early after a moment in which nothing ran', async () => {
    const deadlines = makeDeadlines(TICK_MS)
    deadlines.start(1_000, () => undefined)
    const blockedUntil = performance.now() + 100
    while (performance.now() < blockedUntil);
    const startedAt = performance.now()
    await passing(50, deadlines).passed
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(50)
  })

  it('can be set again after all others were met', async () => {
    const deadlines = makeDeadlines(TICK_MS)
    await passing(1, deadlines).passed
    await passing(1, deadlines).passed
  })
})
