// Folds a batch in log order into the documents it touches: one write per changed document, however many events it
// took. An event changes all its documents or, when its fold throws, none: it is parked, and whatever comes later
// under its key waits behind it, in this batch and in the next ones.

import type { AnyProjection, Document, Place } from '@millrace/domain'
import type { RecordedEvent } from '@millrace/events'
import {
  documentId,
  parkingKeyOf,
  partialId,
  type DocumentWrite,
  type LateEvent,
  type ParkedEvent,
  type ParkedReason,
  type ShardId,
} from '@millrace/mongo'
import { messageOf } from '@millrace/runtime'
import type { Entry } from './entry.ts'

/** An entry whose documents are known, so that they can be read in one go. */
export type PlacedEntry =
  | Exclude<Entry, { readonly type: 'event' | 'tombstone' }>
  | (Extract<Entry, { readonly type: 'tombstone' }> & { readonly id: string })
  | (Extract<Entry, { readonly type: 'event' }> & { readonly places: readonly IdentifiedPlace[] })

type IdentifiedPlace = { readonly id: string; readonly place: Place }

type PlacedEvent = Extract<PlacedEntry, { readonly type: 'event' }>

export type Folding = {
  readonly writes: readonly DocumentWrite[]
  readonly parked: readonly ParkedEvent[]
  readonly late: readonly LateEvent[]
}

/** Which documents the entries touch, by `_id`; an event that cannot tell is poison. */
export const placeEntries = (
  projection: AnyProjection,
  { topic, partition }: ShardId,
  entries: readonly Entry[],
): PlacedEntry[] => {
  const idOf = ({ tenant }: RecordedEvent, { key, part = '' }: Place): string =>
    projection.kind === 'grouped'
      ? partialId({ tenant, key, part, topic, partition })
      : documentId({ tenant, key })
  return entries.map((entry) => {
    if (entry.type === 'tombstone') return { ...entry, id: documentId(entry) }
    if (entry.type !== 'event') return entry
    const { event } = entry
    const places = trying(() =>
      projection.placesOf(event).map((place) => ({ id: idOf(event, place), place })),
    )
    return places instanceof Error ? { ...entry, type: 'poison', error: places } : { ...entry, places }
  })
}

type Working = {
  document: Document | null
  readonly before: Document | null
  readonly tenant: string
  sequence: number
}

type Ground = {
  readonly projection: AnyProjection
  /** The touched documents as they are, by `_id`. */
  readonly stored: ReadonlyMap<string, Document>
}

export const foldBatch = ({ projection, stored }: Ground, entries: readonly PlacedEntry[]): Folding => {
  const working = new Map<string, Working>()
  const parkedKeys = new Set<string>()
  const parked: ParkedEvent[] = []
  const late: LateEvent[] = []
  const park = (entry: PlacedEntry, reason: ParkedReason): void => {
    const key = parkingKeyOf(entry.record)
    if (key !== null) parkedKeys.add(key)
    parked.push(toParked(entry, reason))
  }
  const isBehind = ({ record }: PlacedEntry): boolean =>
    parkedKeys.size > 0 && parkedKeys.has(parkingKeyOf(record) ?? '')
  for (const entry of entries) {
    if (entry.type === 'waits' || isBehind(entry)) {
      park(entry, { type: 'waits' })
      continue
    }
    const changes = changesOf(projection, entry, { stored, working })
    if (changes instanceof Error) {
      park(entry, poisonOf(changes))
      continue
    }
    for (const [id, change] of changes.documents) working.set(id, change)
    late.push(...changes.late)
  }
  return { writes: writesOf(working), parked, late }
}

type Documents = {
  readonly stored: ReadonlyMap<string, Document>
  readonly working: ReadonlyMap<string, Working>
}

type Changes = { readonly documents: ReadonlyMap<string, Working>; readonly late: readonly LateEvent[] }

const changesOf = (
  projection: AnyProjection,
  entry: Exclude<PlacedEntry, { readonly type: 'waits' }>,
  documents: Documents,
): Changes | Error => {
  switch (entry.type) {
    case 'poison':
      return entry.error
    case 'tombstone':
      return { documents: new Map([[entry.id, buried(entry, documents)]]), late: [] }
    case 'event':
      return trying(() => fold(projection, entry, documents))
  }
}

/** Only what is per aggregate has the document of a key; partials of it are nobody's. */
const buried = (
  { id, tenant, sequence }: Extract<PlacedEntry, { readonly type: 'tombstone' }>,
  { stored, working }: Documents,
): Working => {
  const before = working.get(id)?.before ?? stored.get(id) ?? null
  return { document: null, before, tenant, sequence: sequence ?? 0 }
}

const fold = (
  projection: AnyProjection,
  { event, places, watermark }: PlacedEvent,
  { stored, working }: Documents,
): Changes => {
  const documents = new Map<string, Working>()
  const late: LateEvent[] = []
  for (const { id, place } of places) {
    const lateness = latenessOf(projection, place, watermark)
    if (lateness) {
      late.push({ ...lateEvent(event, place), ...lateness })
      continue
    }
    const known = documents.get(id) ?? working.get(id)
    const before = known ? known.before : (stored.get(id) ?? null)
    const document = projection.evolve(known ? known.document : before, event, place)
    documents.set(id, { document, before, tenant: event.tenant, sequence: event.sequence })
  }
  return { documents, late }
}

/** By the watermark at the event's own place in the log: a replay judges as the first time. */
const latenessOf = (
  { graceMs }: AnyProjection,
  { closesAt }: Place,
  watermark: number | null,
): Pick<LateEvent, 'watermark' | 'closedAt'> | null => {
  if (graceMs === null || closesAt === undefined || watermark === null) return null
  return watermark >= closesAt + graceMs ? { watermark, closedAt: closesAt } : null
}

const lateEvent = (
  { tenant, id, type, sequence, occurredAt }: RecordedEvent,
  { key }: Place,
): Omit<LateEvent, 'watermark' | 'closedAt'> => ({ tenant, key, eventId: id, type, sequence, occurredAt })

const writesOf = (working: ReadonlyMap<string, Working>): DocumentWrite[] =>
  [...working]
    .filter(([, { document, before }]) => document !== before)
    .map(([id, { document, tenant, sequence }]) => ({ id, tenant, sequence, fields: document }))

const toParked = ({ record, sequence, watermark }: PlacedEntry, reason: ParkedReason): ParkedEvent => ({
  sequence,
  offset: Number(record.offset),
  timestamp: record.timestamp,
  key: record.key,
  value: record.value,
  headers: record.headers,
  watermark,
  reason,
})

/** Enough to find the line; the rest is the engine's own. */
const STACK_CHARACTERS = 2_000

const poisonOf = (error: Error): ParkedReason => ({
  type: 'poison',
  error: error.name,
  message: error.message,
  stack: error.stack?.slice(0, STACK_CHARACTERS) ?? null,
})

const trying = <T>(work: () => T): T | Error => {
  try {
    return work()
  } catch (error) {
    return error instanceof Error ? error : new Error(messageOf(error))
  }
}

/** The only record of a batch, when MongoDB will not take what its event makes. */
export const parkAlone = (entries: readonly PlacedEntry[], error: Error): Folding => ({
  writes: [],
  parked: entries.map((entry) => toParked(entry, poisonOf(error))),
  late: [],
})
