import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf, type CommitDocument } from './documents.ts'
import type { StreamId } from './load-streams.ts'
import { translating } from './mongo-error.ts'

/** Per stream when its first commit was made, in UTC milliseconds; one query for all. */
export type StreamStarts = (streams: readonly StreamId[]) => Promise<(number | undefined)[]>

export const mongoStreamStarts = (connection: MongoConnection): StreamStarts => {
  const { commits } = collectionsOf(connection.db)
  return (streams) =>
    translating(async () => {
      if (streams.length === 0) return []
      const wanted = [...Map.groupBy(streams, ({ tenant }) => tenant)].map(([tenant, group]) => ({
        tenant: { $eq: tenant },
        stream: { $in: group.map(({ stream }) => stream) },
        first: 1,
      }))
      const found = await commits
        .find({ $or: wanted })
        .project<Pick<CommitDocument, 'tenant' | 'stream' | 'order'>>({ tenant: 1, stream: 1, order: 1 })
        .toArray()
      const starts = new Map(found.map(({ order, ...stream }) => [nameOf(stream), Math.floor(order / 1000)]))
      return streams.map((stream) => starts.get(nameOf(stream)))
    })
}

const nameOf = ({ tenant, stream }: StreamId): string => JSON.stringify([tenant, stream])
