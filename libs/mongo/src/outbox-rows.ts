import type { AnyBulkWriteOperation, ClientSession, Document } from 'mongodb'
import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf, type Collections } from './collections.ts'
import type { OutboxDocument, ShardId } from './documents.ts'
import { translating } from './mongo-error.ts'

export type OutboxRow = {
  readonly id: string
  readonly key: string
  /** Place among the rows of its key; microseconds. */
  readonly number: number
  /** Number of the oldest row of this key that it stands for; its own when it stands for itself only. */
  readonly oldest: number
  readonly payload: Buffer | null
  readonly headers: Readonly<Record<string, string>>
  /** The server's clock, in the transaction. */
  readonly addedAt: Date
}

export type OutboxLimits = { readonly maxRows: number; readonly maxBytes: number }

export type WaitingShard = ShardId & {
  /** When its oldest row was added. */
  readonly since: Date
}

/** The outbox as its relay sees it. Every answer is causally after what this connection has seen. */
export type OutboxRows = {
  /** Oldest rows of the shard, at least one if any: of each key all up to the last one that is here, in order. */
  next(shard: ShardId, limits: OutboxLimits): Promise<OutboxRow[]>
  /** Of the keys that have waited longest only the newest row: all that a compacted topic needs. */
  newest(shard: ShardId, limits: OutboxLimits): Promise<OutboxRow[]>
  /**
   * Removes published rows in their order, each after the older ones that it stood for: what a crash leaves behind is
   * never an older value without the newer one. Repeatable.
   */
  purge(shard: ShardId, rows: readonly OutboxRow[]): Promise<void>
  /** Shards of these topics that have rows. One query, whose cost does not grow with the rows. */
  waiting(topics: readonly string[]): Promise<WaitingShard[]>
  count(): Promise<number>
}

export const mongoOutboxRows = (connection: MongoConnection): OutboxRows => {
  const collections = collectionsOf(connection)
  const inSession = <T>(work: (at: At) => Promise<T>): Promise<T> =>
    translating(() => connection.inCausalSession((session) => work({ ...collections, session })))
  return {
    next: (shard, limits) => inSession((at) => next(at, shard, limits)),
    newest: (shard, limits) => inSession((at) => newest(at, shard, limits)),
    purge: (shard, rows) => inSession((at) => purge(at, shard, rows)),
    waiting: (topics) => inSession((at) => waiting(at, topics)),
    count: () => translating(() => collections.outbox.estimatedDocumentCount()),
  }
}

type At = Pick<Collections, 'outbox'> & { readonly session: ClientSession }

/** What Kafka, and the headers of the relay, add to one record, generously. */
const ROW_OVERHEAD_BYTES = 120

const toRow = (document: OutboxDocument, oldest: number): OutboxRow => {
  const { _id: id, key, number, payload, headers, addedAt } = document
  return { id, key, number, oldest, payload: payload && Buffer.from(payload.buffer), headers, addedAt }
}

const sizeOf = ({ key, payload, headers }: OutboxRow): number =>
  Object.entries(headers).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    Buffer.byteLength(key) + (payload?.length ?? 0) + ROW_OVERHEAD_BYTES,
  )

/** A snapshot, so that no row is seen without those before it. */
const SNAPSHOT = { readConcern: { level: 'snapshot' } } as const

/** Takes rows until the limit; leaving the loop closes the cursor. */
const takeWithin = async (rows: AsyncIterable<OutboxRow>, maxBytes: number): Promise<OutboxRow[]> => {
  const taken: OutboxRow[] = []
  let bytes = 0
  for await (const row of rows) {
    bytes += sizeOf(row)
    if (taken.length > 0 && bytes > maxBytes) break
    taken.push(row)
  }
  return taken
}

const next = (
  { outbox, session }: At,
  { topic, partition }: ShardId,
  { maxRows, maxBytes }: OutboxLimits,
): Promise<OutboxRow[]> => {
  const cursor = outbox
    .find({ topic, partition }, { session, ...SNAPSHOT })
    .sort({ number: 1 })
    .limit(maxRows)
    .map((document) => toRow(document, document.number))
  return takeWithin(cursor, maxBytes)
}

type NewestOfKey = { readonly oldest: number; readonly row: OutboxDocument }

const newest = (
  { outbox, session }: At,
  { topic, partition }: ShardId,
  { maxRows, maxBytes }: OutboxLimits,
): Promise<OutboxRow[]> => {
  const newestOfKey = [{ $match: { topic, partition } }, { $sort: { number: -1 } }, { $limit: 1 }]
  const keysByAge: Document[] = [
    { $match: { topic, partition } },
    { $sort: { number: 1 } },
    { $limit: maxRows },
    { $group: { _id: '$key', oldest: { $min: '$number' } } },
    { $sort: { oldest: 1 } },
  ]
  const cursor = outbox
    .aggregate<NewestOfKey>(
      [
        ...keysByAge,
        {
          $lookup: {
            from: outbox.collectionName,
            localField: '_id',
            foreignField: 'key',
            pipeline: newestOfKey,
            as: 'row',
          },
        },
        { $unwind: '$row' },
      ],
      { session, ...SNAPSHOT },
    )
    .map(({ oldest, row }) => toRow(row, oldest))
  return takeWithin(cursor, maxBytes)
}

const purge = async (
  { outbox, session }: At,
  { topic, partition }: ShardId,
  rows: readonly OutboxRow[],
): Promise<void> => {
  if (rows.length === 0) return
  // Not in a transaction: one that is cut off by a crash would lock the rows for a minute, against the heir's purge.
  const operations = rows.flatMap(({ id, key, number, oldest }): AnyBulkWriteOperation<OutboxDocument>[] => {
    const own = { deleteOne: { filter: { _id: id } } }
    if (oldest === number) return [own]
    return [{ deleteMany: { filter: { topic, partition, key, number: { $lt: number } } } }, own]
  })
  await outbox.bulkWrite(operations, { session, ordered: true })
}

type Waiting = { readonly topic: string; readonly partition: number; readonly since: Date }

const sinceOf = { $toDate: { $toLong: { $divide: ['$oldest', 1_000] } } }

/** Written so that the server steps from partition to partition in the index, without reading what is between. */
const waitingOf = (topic: string): Document[] => [
  { $match: { topic } },
  { $sort: { topic: 1, partition: 1, number: 1 } },
  { $group: { _id: '$partition', oldest: { $first: '$number' } } },
  { $project: { _id: 0, topic: { $literal: topic }, partition: '$_id', since: sinceOf } },
]

const waiting = async ({ outbox, session }: At, topics: readonly string[]): Promise<WaitingShard[]> => {
  const [first, ...rest] = topics
  if (first === undefined) return []
  const others = rest.map((topic) => ({
    $unionWith: { coll: outbox.collectionName, pipeline: waitingOf(topic) },
  }))
  return outbox.aggregate<Waiting>([...waitingOf(first), ...others], { session }).toArray()
}
