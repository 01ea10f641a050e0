import { describe, expect, it } from '@jest/globals'
import { makeAlarm } from '../src/alarm.ts'

const LONG_MS = 600_000

describe('an alarm', () => {
  it('ends the waiting when it rings', async () => {
    const alarm = makeAlarm(new AbortController().signal)
    const waiting = alarm.wait(LONG_MS)
    alarm.ring()
    expect(await waiting).toBe(true)
  })

  it('remembers, once, that it has rung while nobody waited', async () => {
    const alarm = makeAlarm(new AbortController().signal)
    alarm.ring()
    alarm.ring()
    expect(await alarm.wait(LONG_MS)).toBe(true)
    expect(await alarm.wait(1)).toBe(false)
  })

  it('says when nothing has rung in time', async () => {
    expect(await makeAlarm(new AbortController().signal).wait(1)).toBe(false)
  })

  it('ends the waiting, unrung, when all stops', async () => {
    const stop = new AbortController()
    const alarm = makeAlarm(stop.signal)
    const waiting = alarm.wait(LONG_MS)
    stop.abort()
    expect(await waiting).toBe(false)
    alarm.ring()
    expect(await alarm.wait(LONG_MS)).toBe(false)
  })
})
