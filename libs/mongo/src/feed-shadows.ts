// What a feed has last published of each key: the id and the hash of the document. Nothing but a reconciliation needs it,
// which finds by it what has changed, and what is gone.
//
// A shadow is made before its change is sent, without a hash: from then on nobody knows what the topic has of the key. When
// Kafka has it, the hash is added to that very shadow, and to no other. So whatever dies or freezes in between leaves a
// shadow that equals no document, and its key is published again; and who was frozen can change nothing of its heir's.

import { MaxKey, MinKey, type AnyBulkWriteOperation, type ClientSession } from 'mongodb'
import { collectionsOf } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { ShadowDocument } from './documents.ts'
import { translating } from './mongo-error.ts'

/** Keys are message keys, as text. */
export type Shadow = {
  readonly key: string
  /** Null while nobody knows what the topic has. */
  readonly hash: string | null
}

export type SentChange = { readonly key: string; readonly id: string }

/** `hash: null`: a delete, after which there is no shadow. */
export type PublishedChange = SentChange & { readonly hash: string | null }

export type FeedShadows = {
  /** Before they are sent; one for each key, the last. */
  mark(feed: string, changes: readonly SentChange[]): Promise<void>
  /** Once Kafka has them. */
  settle(feed: string, changes: readonly PublishedChange[]): Promise<void>
  find(feed: string, keys: readonly string[]): Promise<ReadonlyMap<string, Shadow>>
  /** All of a feed, by key, at most 1,000 at a time; may be changed meanwhile. */
  pages(feed: string): AsyncGenerator<readonly Shadow[]>
}

const SHADOWS_AT_A_TIME = 1_000

export const mongoFeedShadows = (connection: MongoConnection): FeedShadows => {
  const { changefeedShadows: shadows } = collectionsOf(connection)
  const within = <T>(work: (session: ClientSession) => Promise<T>): Promise<T> =>
    translating(() => connection.inCausalSession(work))
  const write = async (operations: AnyBulkWriteOperation<ShadowDocument>[]): Promise<void> => {
    if (operations.length === 0) return
    await within((session) => shadows.bulkWrite(operations, { session, ordered: false }))
  }
  const page = (feed: string, after: string | MinKey): Promise<Shadow[]> =>
    within(async (session) => {
      const range = { $gt: { feed, key: after }, $lt: { feed, key: new MaxKey() } }
      const found = await shadows
        // Compared as whole documents, first by feed and then by key, as the index has them.
        .find({ _id: range as never }, { session })
        .sort({ _id: 1 })
        .limit(SHADOWS_AT_A_TIME)
        .toArray()
      return found.map(toShadow)
    })
  return {
    mark: (feed, changes) => write(changes.map((change) => toMark(feed, change))),
    settle: (feed, changes) => write(changes.map((change) => toSettlement(feed, change))),
    find: (feed, keys) =>
      within(async (session) => {
        const ids = keys.map((key) => ({ feed, key }))
        const found = await shadows.find({ _id: { $in: ids } }, { session }).toArray()
        return new Map(found.map((document) => [document._id.key, toShadow(document)]))
      }),
    pages: async function* (feed) {
      let after: string | MinKey = new MinKey()
      for (;;) {
        const found: Shadow[] = await page(feed, after)
        if (found.length > 0) yield found
        const last = found.at(-1)
        if (!last || found.length < SHADOWS_AT_A_TIME) return
        after = last.key
      }
    },
  }
}

const toShadow = ({ _id, hash }: ShadowDocument): Shadow => ({ key: _id.key, hash })

/** What was sent later stays: its id is higher. */
const toMark = (feed: string, { key, id }: SentChange): AnyBulkWriteOperation<ShadowDocument> => {
  const isLater = { $gt: [{ $ifNull: ['$id', ''] }, id] }
  const change = { id: { $cond: [isLater, '$id', id] }, hash: { $cond: [isLater, '$hash', null] } }
  return { updateOne: { filter: { _id: { feed, key } }, update: [{ $set: change }], upsert: true } }
}

const toSettlement = (
  feed: string,
  { key, id, hash }: PublishedChange,
): AnyBulkWriteOperation<ShadowDocument> => {
  const filter = { _id: { feed, key }, id }
  return hash === null ? { deleteOne: { filter } } : { updateOne: { filter, update: { $set: { hash } } } }
}
