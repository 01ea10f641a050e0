// Folds a batch of a table's source in log order. Each event meets its key's state as time has left it by then, and at
// the end of the batch all states that are at hand are brought to the batch's own time: so batches may end anywhere.
//
// Time is what the topic has seen of it: from record to record, but not more than MAX_STEP_MS at once. Ticks come more
// often than that. Where nothing came for longer, nobody could write, the living neither: that time is nobody's silence.
// And a broker whose clock runs ahead for one record, or behind, moves it no further.

import type { AnyTable, Document } from '@millrace/domain'
import type { RecordedEvent } from '@millrace/events'

/** One record of the source: what it says, and when the topic got it. */
export type TableEntry = {
  /** Null for a tick, and for what the table does not handle: time passes all the same. */
  readonly change: { readonly id: string; readonly event: RecordedEvent } | null
  readonly timestampMs: number
}

/** Of a partition: the time that has passed in it, and the timestamp of its last record; UTC ms, null before the first. */
export type TableClock = { readonly clockMs: number; readonly lastMs: number } | null

export type TableGround = {
  readonly table: AnyTable
  /** States of the keys that the entries touch, and of those that time has changed, by id. */
  readonly stored: ReadonlyMap<string, Document>
  readonly clock: TableClock
}

export type TableFolding = {
  /** What has changed, by id; null is forgotten. */
  readonly changed: ReadonlyMap<string, Document | null>
  readonly clock: TableClock
}

/** Two ticks. */
const MAX_STEP_MS = 10_000

export const clockAfter = (clock: TableClock, timestampMs: number): NonNullable<TableClock> => {
  if (!clock) return { clockMs: timestampMs, lastMs: timestampMs }
  const passedMs = Math.min(Math.max(0, timestampMs - clock.lastMs), MAX_STEP_MS)
  return { clockMs: clock.clockMs + passedMs, lastMs: timestampMs }
}

export const foldTable = (
  { table, stored, clock: before }: TableGround,
  entries: readonly TableEntry[],
): TableFolding => {
  const states = new Map<string, Document | null>(stored)
  let clock = before
  for (const { change, timestampMs } of entries) {
    clock = clockAfter(clock, timestampMs)
    if (!change) continue
    const state = states.get(change.id) ?? null
    const now = state && table.at(state, clock.clockMs)
    states.set(change.id, table.evolve(now, change.event, clock.clockMs))
  }
  const changed = new Map<string, Document | null>()
  for (const [id, state] of states) {
    const now = state && clock ? table.at(state, clock.clockMs) : state
    if (now !== (stored.get(id) ?? null)) changed.set(id, now)
  }
  return { changed, clock }
}
