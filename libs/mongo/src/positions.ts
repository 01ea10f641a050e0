import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf } from './collections.ts'
import type { CommitDocument } from './documents.ts'
import { eq } from './filters.ts'
import { translating } from './mongo-error.ts'
import { ofTenant } from './tenant-data.ts'

/** Where a commit is on its way to Kafka. */
export type Whereabouts =
  | { readonly type: 'unknown' }
  | { readonly type: 'unpublished'; readonly topic: string; readonly partition: number }
  | {
      readonly type: 'published'
      readonly topic: string
      readonly partition: number
      readonly lastSequence: number
    }

export type Positions = {
  locate(commit: { tenant: string; commitId: string }): Promise<Whereabouts>
}

/** An answer, which shares the collection, has none of it. */
type Place = Pick<CommitDocument, 'topic' | 'partition' | 'publication'>

export const mongoPositions = (connection: MongoConnection): Positions => {
  const { commits, publications } = collectionsOf(connection)
  return {
    locate: ({ tenant, commitId }) =>
      translating(async () => {
        const commit = await ofTenant(commits, tenant).findOne<Place>(
          { _id: eq(commitId) },
          { projection: { topic: 1, partition: 1, publication: 1 } },
        )
        if (!commit?.topic) return { type: 'unknown' }
        const { topic, partition, publication: n } = commit
        if (n === undefined) return { type: 'unpublished', topic, partition }
        const record = await publications.findOne({ _id: { topic, partition, n } })
        const place = record?.commitIds.indexOf(commitId) ?? -1
        if (!record || place < 0) return { type: 'unknown' }
        const events = record.eventCounts.slice(0, place + 1).reduce((sum, count) => sum + count, 0)
        return { type: 'published', topic, partition, lastSequence: record.firstSequence + events - 1 }
      }),
  }
}
