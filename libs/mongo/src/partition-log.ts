// The log of one partition as the store has it, for all tenants, in the order of its sequences: what Kafka has, or has
// to have. Reads publication records that are done, some at a time in their order, so that a gap between them is damage,
// and the commits they name, whole. Who follows many partitions, and wants little of each, has log-window.ts.

import type { ClientSession } from 'mongodb'
import { PlatformError } from '@millrace/runtime'
import { commitsToFold } from './across-tenants.ts'
import { collectionsOf, type Collections } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { CommitDocument, PublicationDocument, ShardId } from './documents.ts'
import { translating } from './mongo-error.ts'
import { commitsOf, inShard, placeOf, type LoggedCommit } from './publication-records.ts'
import { readEventsOf, type ReadEvent } from './read-event.ts'

/** An event in its place in the log. */
export type LoggedEvent = ReadEvent & {
  readonly tenant: string
  readonly sequence: number
  /** UTC ms: the timestamp of its record in Kafka. */
  readonly committedAt: number
}

export type PartitionLog = {
  /** All events behind `after`, in stretches of whole records, up to the end as it is when it gets there. */
  read(shard: ShardId, after: number): AsyncGenerator<readonly LoggedEvent[]>
}

/** A record has 1,000 events and 900 KiB at most. */
const RECORDS_AT_A_TIME = 4

type At = { readonly collections: Collections; readonly session: ClientSession }

export const mongoPartitionLog = (connection: MongoConnection): PartitionLog => {
  const collections = collectionsOf(connection)
  const within = <T>(work: (at: At) => Promise<T>): Promise<T> =>
    translating(() => connection.inCausalSession((session) => work({ collections, session })))
  return {
    read: async function* (shard, after) {
      let reached = after
      for (;;) {
        const records = await within((at) => nextRecords(at, shard, reached))
        const events = await within((at) => eventsOf(at, records, reached))
        const last = events.at(-1)
        if (!last) return
        reached = last.sequence
        yield events
      }
    },
  }
}

/** The record that holds the first event behind `after`, and those that follow it without a gap. */
const nextRecords = async (
  { collections, session }: At,
  shard: ShardId,
  after: number,
): Promise<PublicationDocument[]> => {
  const { publications } = collections
  const holding = await publications
    .find({ ...inShard(shard), firstSequence: { $lte: after + 1 } }, { session })
    .sort({ firstSequence: -1 })
    .limit(1)
    .next()
  const from = holding?.firstSequence ?? 1
  const found = await publications
    .find({ ...inShard(shard), firstSequence: { $gte: from } }, { session })
    .sort({ firstSequence: 1 })
    .limit(RECORDS_AT_A_TIME + 1)
    .toArray()
  const firstOpen = found.findIndex(({ state }) => state !== 'done')
  const done = firstOpen < 0 ? found : found.slice(0, firstOpen)
  checkSequences(done, from)
  return done
}

/** Nobody takes a record away, and nobody leaves a number out. */
const checkSequences = (records: readonly PublicationDocument[], from: number): void => {
  let expected = from
  for (const record of records) {
    const { _id, firstSequence } = record
    if (firstSequence !== expected)
      throw damaged(`sequence ${expected} of ${placeOf(_id)} is in no record, but ${firstSequence} is`)
    expected = (commitsOf(record).at(-1)?.lastSequence ?? expected - 1) + 1
  }
}

const damaged = (message: string): PlatformError =>
  new PlatformError({ code: 'STORE_DAMAGED', message, retryable: false })

const eventsOf = async (
  { collections, session }: At,
  records: readonly PublicationDocument[],
  after: number,
): Promise<LoggedEvent[]> => {
  const logged = records.flatMap(commitsOf).filter(({ lastSequence }) => lastSequence > after)
  if (logged.length === 0) return []
  const ids = logged.map(({ id }) => id)
  const found = await commitsToFold(collections)
    .find({ _id: { $in: ids } }, { session })
    .toArray()
  const byId = new Map(found.map((commit) => [commit._id, commit]))
  return logged
    .flatMap((entry) => inPlace(entry, byId.get(entry.id)))
    .filter(({ sequence }) => sequence > after)
}

const inPlace = ({ id, firstSequence }: LoggedCommit, commit: CommitDocument | undefined): LoggedEvent[] => {
  if (!commit) throw damaged(`commit ${id} is in the log and not in the store`)
  const { tenant, committedAt } = commit
  return readEventsOf(commit).map((event, index) => ({
    ...event,
    tenant,
    sequence: firstSequence + index,
    committedAt: committedAt.getTime(),
  }))
}
