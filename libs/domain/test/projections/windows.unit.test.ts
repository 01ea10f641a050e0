import { describe, expect, it } from '@jest/globals'
import { dayOf, hopping, hourOf, mergeSessions, monthOf, tumbling } from '@millrace/domain'
import fc from 'fast-check'
import { anyTime } from '../arbitraries.ts'

const HOUR_MS = 60 * 60_000
const DAY_MS = 24 * HOUR_MS
const at = Date.UTC(2026, 0, 31, 23, 59, 59, 999)

describe('a tumbling window', () => {
  it('has its start and not its end', () => {
    expect(tumbling(at, HOUR_MS)).toEqual({ start: Date.UTC(2026, 0, 31, 23), end: Date.UTC(2026, 1, 1) })
    expect(tumbling(at + 1, HOUR_MS).start).toBe(Date.UTC(2026, 1, 1))
  })

  it('of a day is the day in UTC', () => {
    fc.assert(
      fc.property(anyTime, (time) => {
        const { start, end } = tumbling(time, DAY_MS)
        expect([dayOf(start), dayOf(end - 1)]).toEqual([dayOf(time), dayOf(time)])
        expect(dayOf(end)).not.toBe(dayOf(time))
      }),
    )
  })
})

describe('hopping windows', () => {
  it('overlap', () => {
    const windows = hopping(Date.UTC(2026, 0, 1, 12, 20), { sizeMs: HOUR_MS, hopMs: HOUR_MS / 4 })
    expect(windows.map(({ start }) => new Date(start).toISOString().slice(11, 16))).toEqual([
      '11:30',
      '11:45',
      '12:00',
      '12:15',
    ])
  })

  it('are all those that the instant is in', () => {
    const anyGrid = fc.record({
      sizeMs: fc.integer({ min: 1, max: 60 }),
      hopMs: fc.integer({ min: 1, max: 60 }),
    })
    fc.assert(
      fc.property(fc.nat(200), anyGrid, (time, { sizeMs, hopMs }) => {
        const starts = Array.from({ length: 2 * 200 + 1 }, (_, index) => (index - 200) * hopMs)
        const expected = starts
          .filter((start) => start <= time && time < start + sizeMs)
          .map((start) => ({ start, end: start + sizeMs }))
        expect(hopping(time, { sizeMs, hopMs })).toEqual(expected)
      }),
    )
  })

  it('that do not overlap tumble', () => {
    fc.assert(
      fc.property(anyTime, (time) => {
        expect(hopping(time, { sizeMs: HOUR_MS, hopMs: HOUR_MS })).toEqual([tumbling(time, HOUR_MS)])
      }),
    )
  })
})

describe('calendar windows', () => {
  it('are named by the beginning of an ISO time', () => {
    expect([hourOf(at), dayOf(at), monthOf(at)]).toEqual(['2026-01-31T23', '2026-01-31', '2026-01'])
  })
})

describe('sessions', () => {
  const session = (from: number, to = from, events = 1) => ({ from, to, events })

  it('are one when they are the gap apart, and two beyond it', () => {
    expect(mergeSessions([session(0, 10, 2), session(15)], 5)).toEqual([session(0, 15, 3)])
    expect(mergeSessions([session(0, 10, 2), session(16)], 5)).toEqual([session(0, 10, 2), session(16)])
  })

  it('become one by what lies between them', () => {
    expect(mergeSessions([session(10), session(0), session(5)], 5)).toEqual([session(0, 10, 3)])
  })

  it('take in what lies within them', () => {
    expect(mergeSessions([session(0, 100, 9), session(50)], 5)).toEqual([session(0, 100, 10)])
  })
})
