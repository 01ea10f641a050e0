// Messages that go to Kafka exactly if a transaction commits. A row is inserted in the caller's transaction, and with
// it, in `outboxKeys`, the number that is the row's place among those of its key.
//
// The number is the server's time in microseconds, but at least the last one of the key plus one. Two transactions
// that take a number for the same key meet on the key's document: one of them aborts and runs again. So numbers of a
// key are committed in their order, and whoever sees a row sees all that still wait before it. Over keys the number
// only sorts the rows fairly.
//
// A key's document expires a day after its number's own time, by the server's clock: then that clock alone gives a
// higher number, unless the clocks of two servers of the set are a day apart.

import { Binary, type AnyBulkWriteOperation } from 'mongodb'
import { topics as catalogue, type TopicSpec } from '@millrace/events'
import { newId, PlatformError } from '@millrace/runtime'
import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf, type Collections } from './collections.ts'
import type { OutboxDocument, OutboxKeyDocument } from './documents.ts'
import type { Transaction } from './transaction.ts'

export type OutboxMessage = {
  readonly topic: string
  readonly key: string
  /** The record's value; null is a tombstone. */
  readonly payload: Buffer | null
  readonly headers?: Readonly<Record<string, string>>
}

export type Outbox = {
  /**
   * Part of the transaction: published once it commits, at least once, per key in the order of the commits; of a
   * compacted topic a value may be passed over for a newer one of its key. Throws OUTBOX_UNKNOWN_TOPIC or
   * OUTBOX_MESSAGE_TOO_LARGE for what could never be published, OUTBOX_NO_TRANSACTION outside of one; what the
   * driver throws is thrown as it is, so that the transaction can be run again.
   */
  add(transaction: Transaction, ...messages: readonly OutboxMessage[]): Promise<void>
}

export type OutboxTopic = Pick<TopicSpec, 'name' | 'partitions' | 'maxMessageBytes' | 'retention'>

export type OutboxOptions = {
  readonly partitionFor: (key: string, partitions: number) => number
  readonly topics?: readonly OutboxTopic[]
}

/** Topics that may come out of an outbox. The others have one writer of their own: relay, compactor, changefeed. */
export const outboxTopics: readonly OutboxTopic[] = Object.values(catalogue).filter(
  ({ kind }) => kind === 'telemetry' || kind === 'state',
)

const BATCH_ROOM_BYTES = 124 * 1024
const KEY_KEPT_MS = 24 * 60 * 60 * 1_000

/** What the messages of one batch, or a single one, may have together; the rest is for what Kafka puts around. */
export const maxOutboxBytes = ({ maxMessageBytes }: OutboxTopic): number => maxMessageBytes - BATCH_ROOM_BYTES

export const mongoOutbox = (
  connection: MongoConnection,
  { partitionFor, topics = outboxTopics }: OutboxOptions,
): Outbox => {
  const collections = collectionsOf(connection)
  const topicsByName = new Map(topics.map((topic) => [topic.name, topic]))
  return {
    add: async (transaction, ...messages) => {
      if (!transaction.inTransaction()) throw refusal('NO_TRANSACTION', 'the session is in no transaction')
      if (messages.length === 0) return
      const placed = messages.map((message) => {
        const topic = publishableTo(topicsByName, message)
        return { ...message, partition: partitionFor(message.key, topic.partitions) }
      })
      const nextNumber = await takeNumbers(collections, transaction, messages)
      const rows = placed.map((message) => toRow(message, nextNumber(message)))
      await collections.outbox.insertMany(rows, { session: transaction })
    },
  }
}

const refusal = (code: 'NO_TRANSACTION' | 'UNKNOWN_TOPIC' | 'MESSAGE_TOO_LARGE', why: string) =>
  new PlatformError({ code: `OUTBOX_${code}`, message: `not added to the outbox: ${why}`, retryable: false })

const bytesOf = ({ key, payload, headers = {} }: OutboxMessage): number =>
  Object.entries(headers).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    Buffer.byteLength(key) + (payload?.length ?? 0),
  )

const publishableTo = (topics: ReadonlyMap<string, OutboxTopic>, message: OutboxMessage): OutboxTopic => {
  const topic = topics.get(message.topic)
  if (!topic) throw refusal('UNKNOWN_TOPIC', `no relay publishes ${message.topic}`)
  const limit = maxOutboxBytes(topic)
  const bytes = bytesOf(message)
  if (bytes <= limit) return topic
  throw refusal('MESSAGE_TOO_LARGE', `${bytes} bytes for ${topic.name}, ${limit} can be published`)
}

type PerKey = Pick<OutboxMessage, 'topic' | 'key'>

const nameOf = ({ topic, key }: PerKey): string => `${topic} ${key}`

/** Takes as many numbers as there are messages, and gives each key's, lowest first, one per call. */
const takeNumbers = async (
  { outboxKeys }: Collections,
  session: Transaction,
  messages: readonly PerKey[],
): Promise<(message: PerKey) => number> => {
  const counts = new Map<string, { _id: PerKey; count: number }>()
  for (const { topic, key } of messages) {
    const counted = counts.get(nameOf({ topic, key }))
    // Members and their order are the identity of an embedded `_id`.
    counts.set(nameOf({ topic, key }), { _id: { topic, key }, count: (counted?.count ?? 0) + 1 })
  }
  await outboxKeys.bulkWrite([...counts.values()].map(advance), { session, ordered: false })
  const ids = [...counts.values()].map(({ _id }) => _id)
  const taken = await outboxKeys.find({ _id: { $in: ids } }, { session }).toArray()
  const next = new Map(
    taken.map(({ _id, number }) => [nameOf(_id), number - (counts.get(nameOf(_id))?.count ?? 0) + 1]),
  )
  return (message) => {
    const number = next.get(nameOf(message)) ?? Number.NaN
    next.set(nameOf(message), number + 1)
    return number
  }
}

const advance = ({
  _id,
  count,
}: {
  _id: PerKey
  count: number
}): AnyBulkWriteOperation<OutboxKeyDocument> => {
  const nowMicros = { $multiply: [{ $toLong: '$$NOW' }, 1_000] }
  const first = { $max: [nowMicros, { $add: [{ $ifNull: ['$number', 0] }, 1] }] }
  const timeOfNumber = { $toDate: { $toLong: { $divide: ['$number', 1_000] } } }
  const update = [
    { $set: { number: { $add: [first, count - 1] } } },
    { $set: { expiresAt: { $add: [timeOfNumber, KEY_KEPT_MS] } } },
  ]
  return { updateOne: { filter: { _id }, update, upsert: true } }
}

const toRow = (
  { topic, partition, key, payload, headers = {} }: OutboxMessage & { readonly partition: number },
  number: number,
): OutboxDocument => ({
  _id: newId(),
  topic,
  partition,
  key,
  number,
  payload: payload && new Binary(payload),
  headers,
  addedAt: new Date(Math.floor(number / 1_000)),
})
