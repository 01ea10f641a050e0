// What a lane could not apply, kept in the transaction that passes it by: the record as it was, and why. From then on
// every later event of the same key waits behind it, in order, so the table is also the list of parked keys. Only the
// lane that owns the partition writes here, under its epoch.

import { Binary, type ClientSession } from 'mongodb'
import type { Collections } from './collections.ts'
import type { CheckpointId } from './documents.ts'
import type { LateEvent, LateEventDocument, ParkedEventDocument, ParkedReason } from './lane-documents.ts'

/** A record that is set aside; header values are bytes or text as Kafka clients give them. */
export type ParkedEvent = {
  /** Null of a record that the relay has not numbered. */
  readonly sequence: number | null
  readonly offset: number
  /** UTC ms, of the record. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | string | undefined>>
  /** Of the partition before this record, UTC ms: what its lateness is judged by, whenever it is applied. */
  readonly watermark: number | null
  readonly reason: ParkedReason
}

type At = { readonly collections: Collections; readonly session: ClientSession }

/** A key of a record as text: what parks is told by it. */
export const parkingKeyOf = ({ key }: Pick<ParkedEvent, 'key'>): string | null => key?.toString() ?? null

/** `number` is the sequence; of a record without one, incarnation and offset. */
export const parkedIdOf = ({ projection, topic, partition }: CheckpointId, number: number | string): string =>
  `${projection}/${topic}/${partition}/${number}`

export const lateIdOf = (
  { projection, topic, partition }: CheckpointId,
  { sequence, key }: Pick<LateEvent, 'sequence' | 'key'>,
): string => `${projection}/${topic}/${partition}/${sequence}/${key}`

export const insertParked = async (
  { collections, session }: At,
  { id, incarnation }: { id: CheckpointId; incarnation: number },
  parked: readonly ParkedEvent[],
): Promise<void> => {
  if (parked.length === 0) return
  const documents = parked.map((event) => toDocument(id, incarnation, event))
  await collections.parkedEvents.insertMany(documents, { session })
}

const toDocument = (id: CheckpointId, incarnation: number, event: ParkedEvent): ParkedEventDocument => {
  const { sequence, offset, timestamp, value, watermark, reason } = event
  const number = sequence ?? `${incarnation}.${offset}`
  return {
    _id: parkedIdOf(id, number),
    ...id,
    parkingKey: parkingKeyOf(event),
    sequence,
    incarnation,
    offset,
    timestamp,
    key: event.key && new Binary(event.key),
    value: value && new Binary(value),
    headers: Object.entries(event.headers).flatMap(([name, text]) =>
      text === undefined ? [] : [{ name, value: new Binary(Buffer.from(text)) }],
    ),
    watermark,
    reason,
    parkedAt: new Date(),
  }
}

/** Keys of a lane that have something parked. */
export const readParkedKeys = async (
  { collections, session }: At,
  id: CheckpointId,
): Promise<Set<string>> => {
  const { projection, topic, partition } = id
  const keys = await collections.parkedEvents.distinct(
    'parkingKey',
    { projection, topic, partition },
    { session },
  )
  return new Set(keys.filter((key) => key !== null))
}

export const insertLate = async (
  { collections, session }: At,
  id: CheckpointId,
  late: readonly LateEvent[],
): Promise<void> => {
  if (late.length === 0) return
  const documents = late.map((event): LateEventDocument => ({
    _id: lateIdOf(id, event),
    ...id,
    ...event,
    keptAt: new Date(),
  }))
  await collections.lateEvents.insertMany(documents, { session })
}
