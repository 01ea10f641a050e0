import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf } from './collections.ts'
import type { CommitDocument, ShardId } from './documents.ts'
import { eq } from './filters.ts'
import { translating } from './mongo-error.ts'
import { ofTenant } from './tenant-data.ts'

/** Where a commit is on its way to Kafka; `key` is the id of its aggregate. */
export type Whereabouts =
  | { readonly type: 'unknown' }
  | ({ readonly type: 'unpublished'; readonly key: string } & ShardId)
  | ({ readonly type: 'published'; readonly key: string; readonly lastSequence: number } & ShardId)

export type Positions = {
  locate(commit: { tenant: string; commitId: string }): Promise<Whereabouts>
}

/** An answer, which shares the collection, has none of it. */
type Place = Pick<CommitDocument, 'key' | 'topic' | 'partition' | 'publication'>

export const mongoPositions = (connection: MongoConnection): Positions => {
  const { commits, publications } = collectionsOf(connection)
  return {
    locate: ({ tenant, commitId }) =>
      translating(async () => {
        const commit = await ofTenant(commits, tenant).findOne<Place>(
          { _id: eq(commitId) },
          { projection: { key: 1, topic: 1, partition: 1, publication: 1 } },
        )
        if (!commit?.topic) return { type: 'unknown' }
        const { key, topic, partition, publication: n } = commit
        if (n === undefined) return { type: 'unpublished', key, topic, partition }
        const record = await publications.findOne({ _id: { topic, partition, n } })
        const place = record?.commitIds.indexOf(commitId) ?? -1
        if (!record || place < 0) return { type: 'unknown' }
        const events = record.eventCounts.slice(0, place + 1).reduce((sum, count) => sum + count, 0)
        return { type: 'published', key, topic, partition, lastSequence: record.firstSequence + events - 1 }
      }),
  }
}
