import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import { processState, type Document } from '@millrace/domain'
import { heartbeat, recorded } from '@millrace/testkit'
import { foldTable, type TableEntry } from '../src/fold-table.ts'

const T0 = Date.UTC(2026, 0, 2)

const beat = (id: string, timestampMs: number, count = 1): TableEntry => ({
  change: { id, event: recorded(heartbeat({ beat: count })) },
  timestampMs,
})
const tick = (timestampMs: number): TableEntry => ({ change: null, timestampMs })

type Kept = { readonly states: ReadonlyMap<string, Document>; readonly clockMs: number }
const NOTHING: Kept = { states: new Map(), clockMs: 0 }

/** As the engine does it: touched keys and those that are due are at hand, the others are not. */
const apply = ({ states, clockMs }: Kept, entries: readonly TableEntry[]): Kept => {
  const touched = new Set(entries.flatMap(({ change }) => (change ? [change.id] : [])))
  const until = Math.max(clockMs, ...entries.map(({ timestampMs }) => timestampMs))
  const atHand = [...states].filter(
    ([id, state]) => touched.has(id) || (processState.changesAt(state as never) ?? Infinity) <= until,
  )
  const folding = foldTable({ table: processState, stored: new Map(atHand), clockMs }, entries)
  const after = new Map(states)
  for (const [id, state] of folding.changed) {
    if (state) after.set(id, state)
    else after.delete(id)
  }
  return { states: after, clockMs: folding.clockMs }
}

const statusOf = ({ states }: Kept, id: string): unknown => states.get(id)?.['status']

it('time passes by records of others: a silent key grows stale, is gone, and is forgotten', () => {
  let kept = apply(NOTHING, [beat('a', T0), beat('a', T0 + 5_000, 2)])
  expect(statusOf(kept, 'a')).toBe('alive')
  kept = apply(kept, [beat('b', T0 + 20_000)])
  expect(statusOf(kept, 'a')).toBe('stale')
  kept = apply(kept, [tick(T0 + 65_000)])
  expect([statusOf(kept, 'a'), statusOf(kept, 'b')]).toEqual(['gone', 'stale'])
  kept = apply(kept, [tick(T0 + 365_000)])
  expect([...kept.states.keys()]).toEqual(['b'])
})

it('a backlog is judged by its own times: nobody is buried for a downtime of ours', () => {
  const backlog = Array.from({ length: 100 }, (_, index) => beat('a', T0 + index * 5_000, index))
  const kept = apply(NOTHING, backlog)
  expect([statusOf(kept, 'a'), kept.clockMs]).toEqual(['alive', T0 + 99 * 5_000])
})

it('a clock that runs back does not', () => {
  const kept = apply(apply(NOTHING, [tick(T0 + 60_000)]), [beat('a', T0)])
  expect(kept).toMatchObject({ clockMs: T0 + 60_000 })
  expect(kept.states.get('a')).toMatchObject({ heardAt: T0 + 60_000 })
})

it('only what has changed is told', () => {
  const { states, clockMs } = apply(NOTHING, [beat('a', T0), beat('b', T0)])
  const folding = foldTable({ table: processState, stored: states, clockMs }, [beat('a', T0 + 1_000)])
  expect([...folding.changed.keys()]).toEqual(['a'])
})

const entries = fc
  .array(
    fc.record({
      id: fc.constantFrom('a', 'b', 'c', null),
      passedMs: fc.oneof(fc.nat(8_000), fc.nat(400_000)),
    }),
    { maxLength: 30 },
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
    fc.property(entries, fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), (all, cuts) => {
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
