import { describe, expect, it } from '@jest/globals'
import { catalog, type AnyContext } from '@millrace/domain'
import { planSnapshots, type Standing } from '../src/plan-snapshots.ts'

const NOW_MS = Date.UTC(2026, 0, 10)
const DAY_MS = 86_400_000
const context: AnyContext = {
  ...catalog,
  snapshots: { stateVersion: 2, everyEvents: 100, everyMs: DAY_MS },
}

type Given = {
  readonly version: number
  readonly newest?: { version: number; stateVersion?: number; ageMs?: number } | 'unreadable'
  /** Of the stream itself. */
  readonly ageMs?: number
}

const standing = ({ version, newest, ageMs }: Given): Standing => ({
  touched: {
    ref: { tenant: 'demo', context, id: 'p-1' },
    version,
    atMs: NOW_MS,
    startedAtMs: undefined,
  },
  newest:
    newest === undefined || newest === 'unreadable'
      ? newest
      : {
          version: newest.version,
          stateVersion: newest.stateVersion ?? 2,
          takenAt: NOW_MS - (newest.ageMs ?? 0),
        },
  startedAtMs: ageMs === undefined ? undefined : NOW_MS - ageMs,
})

const reasonFor = (given: Given): string =>
  planSnapshots([standing(given)])
    .map(({ reason }) => reason)
    .join() || 'not due'

describe('a first snapshot', () => {
  it.each([
    [{ version: 99 }, 'not due'],
    [{ version: 100 }, 'events'],
    [{ version: 250 }, 'events'],
    [{ version: 3, ageMs: DAY_MS - 1 }, 'not due'],
    [{ version: 3, ageMs: DAY_MS }, 'time'],
    [{ version: 1, ageMs: 0 }, 'not due'],
  ])('of a stream %j is %s', (given, reason) => {
    expect(reasonFor(given)).toBe(reason)
  })
})

describe('the next snapshot', () => {
  it.each([
    [{ version: 299, newest: { version: 200 } }, 'not due'],
    [{ version: 300, newest: { version: 200 } }, 'events'],
    [{ version: 201, newest: { version: 200, ageMs: DAY_MS - 1 } }, 'not due'],
    [{ version: 201, newest: { version: 200, ageMs: DAY_MS } }, 'time'],
    [{ version: 201, newest: { version: 200, stateVersion: 1 } }, 'state-version'],
    [{ version: 150, newest: { version: 200, stateVersion: 1 } }, 'state-version'],
    [{ version: 201, newest: { version: 200, stateVersion: 3 } }, 'not due'],
    [{ version: 300, newest: { version: 200, stateVersion: 3 } }, 'events'],
    [{ version: 201, newest: 'unreadable' }, 'unreadable'],
  ] as const)('of a stream %j is %s', (given, reason) => {
    expect(reasonFor(given)).toBe(reason)
  })

  it('is not due for events that the newest one has, however late they are read', () => {
    expect(reasonFor({ version: 150, newest: { version: 200, ageMs: -3 * DAY_MS } })).toBe('not due')
    expect(reasonFor({ version: 200, newest: { version: 200, ageMs: 60_000 } })).toBe('not due')
  })

  it('is due when an event was committed after the newest one, and yet is not behind it', () => {
    expect(reasonFor({ version: 150, newest: { version: 200, ageMs: 60_001 } })).toBe('beyond-end')
  })
})

it('plans for each of the streams by itself', () => {
  const due = planSnapshots([
    standing({ version: 100 }),
    standing({ version: 5 }),
    standing({ version: 101 }),
  ])
  expect(due.map(({ touched }) => touched.version)).toEqual([100, 101])
})
