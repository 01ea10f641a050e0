import type { Aggregate, AggregateRef } from '@millrace/aggregates'
import { streamIdOf } from '@millrace/aggregates'
import { LRUCache } from 'lru-cache'

/**
 * Aggregates as this replica last knew them. Others may have gone on, so a cached state may carry a yes, which the
 * unique index over versions checks, and never a no.
 */
export type StateCache = {
  get(ref: AggregateRef): Aggregate | undefined
  set(ref: AggregateRef, aggregate: Aggregate): void
}

/** Key, numbers and the cache's own books of one entry, beside its state. */
const ENTRY_BYTES = 400

/** A state costs about two bytes in memory for each character of its JSON. */
const bytesOf = ({ state }: Aggregate): number => ENTRY_BYTES + 2 * JSON.stringify(state ?? null).length

const nameOf = (ref: AggregateRef): string => {
  const { tenant, stream } = streamIdOf(ref)
  return `${tenant}\0${stream}`
}

/** Holds at most `maxBytes`, and drops what was used least recently. */
export const makeStateCache = (maxBytes: number): StateCache => {
  const entries = new LRUCache<string, Aggregate>({ maxSize: maxBytes, sizeCalculation: bytesOf })
  return {
    get: (ref) => entries.get(nameOf(ref)),
    set: (ref, aggregate) => void entries.set(nameOf(ref), aggregate),
  }
}
