import { collectionsToIndex } from './across-tenants.ts'
import { collectionsOf } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import { translating } from './mongo-error.ts'

/** Fields and directions of one index of a read model; tenant is put first, `_id` last (ties, cursors: same way). */
export type ReadModelIndex = { readonly [field: string]: 1 | -1 | undefined }

/** Index names are part of the protocol: a duplicate-key error is never told apart by parsing its text. */
export const ensureStoreIndexes = (connection: MongoConnection): Promise<void> =>
  translating(async () => {
    const collections = collectionsOf(connection)
    const { publications } = collections
    const { commits, answers, snapshots } = collectionsToIndex(collections)
    await commits.createIndexes([
      {
        name: 'streamVersion',
        key: { tenant: 1, stream: 1, first: 1 },
        unique: true,
        partialFilterExpression: { first: { $exists: true } },
      },
      {
        name: 'idempotency',
        key: { tenant: 1, 'idempotency.principal': 1, 'idempotency.route': 1, 'idempotency.key': 1 },
        unique: true,
      },
      {
        name: 'pending',
        key: { topic: 1, partition: 1, order: 1 },
        partialFilterExpression: { pending: true },
      },
    ])
    await answers.createIndex(
      { expiresAt: 1 },
      {
        name: 'answerExpiry',
        expireAfterSeconds: 0,
        partialFilterExpression: { expiresAt: { $exists: true } },
      },
    )
    await publications.createIndex({ '_id.topic': 1, '_id.partition': 1, '_id.n': -1 }, { name: 'shard' })
    await publications.createIndex(
      { '_id.topic': 1, '_id.partition': 1, firstSequence: 1 },
      { name: 'firstSequence' },
    )
    await publications.createIndex(
      { '_id.topic': 1, '_id.partition': 1, incarnation: 1, state: 1, '_id.n': 1 },
      { name: 'unfinished' },
    )
    // Its last two fields let the index alone tell what is due.
    await snapshots.createIndex(
      { tenant: 1, stream: 1, version: -1, stateVersion: 1, takenAt: 1 },
      { name: 'streamSnapshots' },
    )
    await ensureOutboxIndexes(connection)
  })

/** Of what lanes keep beside the documents, where the read models live. */
export const ensureLaneIndexes = (connection: MongoConnection): Promise<void> =>
  translating(async () => {
    const { parkedEvents, lateEvents } = collectionsOf(connection)
    const lane = { projection: 1, topic: 1, partition: 1 } as const
    await parkedEvents.createIndex({ ...lane, parkingKey: 1, incarnation: 1, offset: 1 }, { name: 'laneKey' })
    await lateEvents.createIndex({ ...lane, sequence: 1 }, { name: 'lane' })
  })

const ensureOutboxIndexes = async (connection: MongoConnection): Promise<void> => {
  const { outbox, outboxKeys } = collectionsOf(connection)
  await outbox.createIndexes([
    { name: 'shard', key: { topic: 1, partition: 1, number: 1 } },
    { name: 'key', key: { topic: 1, partition: 1, key: 1, number: 1 } },
  ])
  await outboxKeys.createIndex({ expiresAt: 1 }, { name: 'keyExpiry', expireAfterSeconds: 0 })
}

export const ensureReadModelIndexes = (
  connection: MongoConnection,
  model: { projection: string; indexes: readonly ReadModelIndex[] },
): Promise<void> =>
  translating(async () => {
    const collection = collectionsToIndex(collectionsOf(connection)).readModel(model.projection)
    await collection.createIndex({ _tenant: 1, _id: 1 }, { name: 'tenant' })
    for (const index of model.indexes) {
      const fields = Object.entries(index).filter(
        (entry): entry is [string, 1 | -1] => entry[1] !== undefined,
      )
      const direction = fields.at(-1)?.[1] ?? 1
      await collection.createIndex({ _tenant: 1, ...Object.fromEntries(fields), _id: direction })
    }
  })
