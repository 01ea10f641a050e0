// Folds a batch of a table's source in log order. Each event meets its key's state as time has left it by then, and at
// the end of the batch all states that are at hand are brought to the batch's own time: so batches may end anywhere.

import type { AnyTable, Document } from '@millrace/domain'
import type { RecordedEvent } from '@millrace/events'

/** One record of the source: what it says, and when the topic got it. */
export type TableEntry = {
  /** Null for a tick, and for what the table does not handle: time passes all the same. */
  readonly change: { readonly id: string; readonly event: RecordedEvent } | null
  readonly timestampMs: number
}

export type TableGround = {
  readonly table: AnyTable
  /** States of the keys that the entries touch, and of those that time has changed, by id. */
  readonly stored: ReadonlyMap<string, Document>
  /** The topic's time before the entries. */
  readonly clockMs: number
}

export type TableFolding = {
  /** What has changed, by id; null is forgotten. */
  readonly changed: ReadonlyMap<string, Document | null>
  readonly clockMs: number
}

export const foldTable = (
  { table, stored, clockMs }: TableGround,
  entries: readonly TableEntry[],
): TableFolding => {
  const states = new Map<string, Document | null>(stored)
  const at = (state: Document | null, nowMs: number): Document | null =>
    state === null ? null : table.at(state, nowMs)
  // A broker that takes over may be a little behind the one before; the clock never runs back.
  let nowMs = clockMs
  for (const { change, timestampMs } of entries) {
    nowMs = Math.max(nowMs, timestampMs)
    if (!change) continue
    const before = at(states.get(change.id) ?? null, nowMs)
    states.set(change.id, table.evolve(before, change.event, nowMs))
  }
  const changed = new Map<string, Document | null>()
  for (const [id, state] of states) {
    const now = at(state, nowMs)
    if (now !== (stored.get(id) ?? null)) changed.set(id, now)
  }
  return { changed, clockMs: nowMs }
}
