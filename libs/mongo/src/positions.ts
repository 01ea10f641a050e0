import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf } from './documents.ts'
import { translating } from './mongo-error.ts'

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

export const mongoPositions = (connection: MongoConnection): Positions => {
  const { commits, publications } = collectionsOf(connection.db)
  return {
    locate: ({ tenant, commitId }) =>
      translating(async () => {
        const commit = await commits.findOne(
          { _id: { $eq: commitId }, tenant: { $eq: tenant } },
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
