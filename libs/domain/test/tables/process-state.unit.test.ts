import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { processState, type ProcessStateDocument } from '@millrace/domain'
import type { HeartbeatReceived } from '@millrace/events'
import { heartbeat, recorded } from '@millrace/testkit'
import { tableLaws } from './table-laws.ts'

const T0 = Date.UTC(2026, 0, 2)
const seconds = (count: number): number => T0 + count * 1_000

const beatAt = (
  clockMs: number,
  state: ProcessStateDocument | null = null,
  data: Partial<HeartbeatReceived> = {},
): ProcessStateDocument =>
  processState.evolve(state && processState.at(state, clockMs), recorded(heartbeat(data)), clockMs)

const statusAt = (state: ProcessStateDocument, clockMs: number) =>
  processState.at(state, clockMs)?.status ?? 'forgotten'

describe('a process', () => {
  it('has started with its first heartbeat, and is alive with the second', () => {
    const first = beatAt(seconds(0))
    expect(first).toMatchObject({ status: 'started', host: 'm-1', name: 'node', pid: 4711, heardAt: T0 })
    expect(beatAt(seconds(5), first, { beat: 2, cpu: 7 })).toMatchObject({ status: 'alive', beat: 2, cpu: 7 })
  })

  it.each([
    [14.999, 'alive'],
    [15, 'stale'],
    [59.999, 'stale'],
    [60, 'gone'],
    [359.999, 'gone'],
    [360, 'forgotten'],
  ])('that was silent for %p s is %s', (silent, status) => {
    const alive = beatAt(seconds(0), beatAt(seconds(-5)))
    expect(statusAt(alive, seconds(silent))).toBe(status)
  })

  it('keeps what it said last while it is silent', () => {
    const alive = beatAt(seconds(0), null, { beat: 9, cpu: 3, rss: 11 })
    expect(processState.at(alive, seconds(30))).toEqual({ ...alive, status: 'stale' })
  })

  it('that comes back is alive again, until it is forgotten: then it has started', () => {
    const alive = beatAt(seconds(0), beatAt(seconds(-5)))
    for (const silent of [20, 100]) expect(beatAt(seconds(silent), alive)).toMatchObject({ status: 'alive' })
    expect(beatAt(seconds(400), alive)).toMatchObject({ status: 'started' })
  })

  it('is another one when the pid is used again; a reporter that rounds otherwise changes nothing', () => {
    const { startedAt } = heartbeat().data
    const alive = beatAt(seconds(0), beatAt(seconds(-5)))
    expect(beatAt(seconds(5), alive, { startedAt: startedAt + 2_001 })).toMatchObject({ status: 'started' })
    expect(beatAt(seconds(5), alive, { startedAt: startedAt - 1_990 })).toMatchObject({ status: 'alive' })
  })

  it('is ordered by the topic, whatever the clock of its reporter says', () => {
    const TEN_MINUTES_MS = 600_000
    const first = beatAt(seconds(0), null, { at: seconds(0) + TEN_MINUTES_MS })
    const second = beatAt(seconds(5), first, { at: seconds(5) - TEN_MINUTES_MS, beat: 2 })
    expect(second).toMatchObject({ status: 'alive', beat: 2, lastSeenAt: seconds(5) - TEN_MINUTES_MS })
    expect(statusAt(second, seconds(19))).toBe('alive')
  })

  it('is published without what only its fold needs', () => {
    const { type, data } = processState.publish(beatAt(seconds(0)))
    expect(type).toBe('ProcessState')
    expect(Object.keys(data)).toEqual([
      ...['host', 'name', 'pid', 'startedAt', 'status', 'lastSeenAt', 'beat', 'cpu', 'rss'],
    ])
  })
})

tableLaws(
  processState,
  fc
    .record({ beats: fc.array(fc.nat(30_000), { minLength: 1, maxLength: 4 }), look: fc.nat(400_000) })
    .map(({ beats, look }) => {
      let [clockMs, state] = [T0, beatAt(T0)]
      for (const pauseMs of beats) state = beatAt((clockMs += pauseMs), state)
      return processState.at(state, clockMs + (look % 360_000)) as ProcessStateDocument
    }),
)
