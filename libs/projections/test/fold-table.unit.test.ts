import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import { processState, type Document } from '@millrace/domain'
import { heartbeat, recorded } from '@millrace/testkit'
import { clockAfter, foldTable, type TableClock, type TableEntry } from '../src/fold-table.ts'

const T0 = Date.UTC(2026, 0, 2)

const beat = (id: string, timestampMs: number, count = 1): TableEntry => ({
  change: { id, event: recorded(heartbeat({ beat: count })) },
  timestampMs,
})
const tick = (timestampMs: number): TableEntry => ({ change: null, timestampMs })

/** So that nobody's silence is overlooked: a tick every five seconds from one time to the other. */
const ticks = (fromMs: number, toMs: number): TableEntry[] =>
  Array.from({ length: Math.ceil((toMs - fromMs) / 5_000) }, (_, index) =>
    tick(Math.min(toMs, fromMs + (index + 1) * 5_000)),
  )

type Kept = { readonly states: ReadonlyMap<string, Document>; readonly clock: TableClock }
const NOTHING: Kept = { states: new Map(), clock: null }

/** As the engine does it: touched keys and those that are due are at hand, the others are not. */
const apply = ({ states, clock }: Kept, entries: readonly TableEntry[]): Kept => {
  const touched = new Set(entries.flatMap(({ change }) => (change ? [change.id] : [])))
  const until = entries.reduce((now: TableClock, { timestampMs }) => clockAfter(now, timestampMs), clock)
  const atHand = [...states].filter(
    ([id, state]) =>
      touched.has(id) || (processState.changesAt(state as never) ?? Infinity) <= (until?.clockMs ?? 0),
  )
  const folding = foldTable({ table: processState, stored: new Map(atHand), clock }, entries)
  const after = new Map(states)
  for (const [id, state] of folding.changed) {
    if (state) after.set(id, state)
    else after.delete(id)
  }
  return { states: after, clock: folding.clock }
}

const statusOf = ({ states }: Kept, id: string): unknown => states.get(id)?.['status']

it('time passes by records of others: a silent key grows stale, is gone, and is forgotten', () => {
  let kept = apply(NOTHING, [beat('a', T0), beat('a', T0 + 5_000, 2)])
  expect(statusOf(kept, 'a')).toBe('alive')
  kept = apply(kept, [beat('b', T0 + 13_000), beat('b', T0 + 20_000)])
  expect(statusOf(kept, 'a')).toBe('stale')
  kept = apply(kept, ticks(T0 + 20_000, T0 + 65_000))
  expect([statusOf(kept, 'a'), statusOf(kept, 'b')]).toEqual(['gone', 'stale'])
  kept = apply(kept, ticks(T0 + 65_000, T0 + 365_000))
  expect([...kept.states.keys()]).toEqual(['b'])
})

it('a backlog is judged by its own times: nobody is buried for a downtime of ours', () => {
  const backlog = Array.from({ length: 100 }, (_, index) => beat('a', T0 + index * 5_000, index))
  const kept = apply(NOTHING, backlog)
  expect([statusOf(kept, 'a'), kept.clock?.clockMs]).toEqual(['alive', T0 + 99 * 5_000])
})

it('a time in which nobody could write is nobody’s silence', () => {
  const HOUR_MS = 3_600_000
  const before = apply(NOTHING, [beat('living', T0), beat('dead', T0), tick(T0 + 1_000)])
  let kept = apply(before, [tick(T0 + HOUR_MS), beat('living', T0 + HOUR_MS + 1_000)])
  expect([statusOf(kept, 'living'), statusOf(kept, 'dead')]).toEqual(['alive', 'started'])
  kept = apply(kept, ticks(T0 + HOUR_MS + 1_000, T0 + HOUR_MS + 15_000))
  expect([statusOf(kept, 'living'), statusOf(kept, 'dead')]).toEqual(['alive', 'stale'])
})

it('a clock that runs back stands still, and one that runs ahead for a record hardly moves', () => {
  const back = apply(apply(NOTHING, [tick(T0 + 60_000)]), [beat('a', T0)])
  expect(back.clock).toEqual({ clockMs: T0 + 60_000, lastMs: T0 })
  const ahead = apply(NOTHING, [beat('a', T0), tick(T0 + 3_600_000), tick(T0 + 5_000), tick(T0 + 6_000)])
  expect([ahead.clock?.clockMs, statusOf(ahead, 'a')]).toEqual([T0 + 11_000, 'started'])
})

it('only what has changed is told', () => {
  const { states, clock } = apply(NOTHING, [beat('a', T0), beat('b', T0)])
  const folding = foldTable({ table: processState, stored: states, clock }, [beat('a', T0 + 1_000)])
  expect([...folding.changed.keys()]).toEqual(['a'])
})

const entries = fc
  .array(
    fc.record({
      id: fc.constantFrom('a', 'b', 'c', null),
      passedMs: fc.oneof(fc.nat(8_000), fc.integer({ min: -5_000, max: 400_000 })),
    }),
    { maxLength: 80 },
  )
  .map((steps) => {
    let clockMs = T0
    return steps.map(({ id, passedMs }, index) => {
      clockMs += passedMs
      return id === null ? tick(clockMs) : beat(id, clockMs, index)
    })
  })

it('any batches give the same states', () => {
  fc.assert(
    fc.property(entries, fc.array(fc.boolean(), { minLength: 80, maxLength: 80 }), (all, cuts) => {
      let kept = NOTHING
      let batch: TableEntry[] = []
      all.forEach((entry, index) => {
        batch.push(entry)
        if (!cuts[index]) return
        kept = apply(kept, batch)
        batch = []
      })
      expect(apply(kept, batch)).toEqual(apply(NOTHING, all))
    }),
  )
})
