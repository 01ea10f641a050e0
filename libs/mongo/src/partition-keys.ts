import { readModelToCheck } from './across-tenants.ts'
import { collectionsOf } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { CheckpointId } from './documents.ts'
import { translating } from './mongo-error.ts'

/** `_id` of the documents that a lane has made, in order: those behind `after`, `limit` at most. Of all tenants. */
export type PartitionKeys = (id: CheckpointId, after: string, limit: number) => Promise<string[]>

export const mongoPartitionKeys = (connection: MongoConnection): PartitionKeys => {
  const collections = collectionsOf(connection)
  return ({ projection, partition }, after, limit) =>
    translating(() =>
      connection.inCausalSession(async (session) => {
        const where = { _partition: partition, _id: { $gt: after } }
        const found = readModelToCheck(collections, projection).find(where, {
          session,
          projection: { _id: 1 },
        })
        const documents = await found.sort({ _id: 1 }).limit(limit).toArray()
        return documents.map(({ _id }) => _id)
      }),
    )
}
