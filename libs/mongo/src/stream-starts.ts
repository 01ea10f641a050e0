import { collectionsOf } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { CommitDocument } from './documents.ts'
import { eq, isIn } from './filters.ts'
import type { StreamId } from './load-streams.ts'
import { translating } from './mongo-error.ts'
import { ofTenants } from './tenant-data.ts'

/** Per stream when its first commit was made, in UTC milliseconds; one query for all. */
export type StreamStarts = (streams: readonly StreamId[]) => Promise<(number | undefined)[]>

export const mongoStreamStarts = (connection: MongoConnection): StreamStarts => {
  const { commits } = collectionsOf(connection)
  return (streams) =>
    translating(async () => {
      if (streams.length === 0) return []
      const wanted = [...Map.groupBy(streams, ({ tenant }) => tenant)].map(([tenant, group]) => ({
        tenant,
        where: { stream: isIn(group.map(({ stream }) => stream)), first: eq(1) },
      }))
      const found = await ofTenants(commits)
        .find<Start>(wanted, { projection: { tenant: 1, stream: 1, order: 1 } })
        .toArray()
      const starts = new Map(found.map(({ order, ...stream }) => [nameOf(stream), Math.floor(order / 1000)]))
      return streams.map((stream) => starts.get(nameOf(stream)))
    })
}

type Start = Pick<CommitDocument, 'tenant' | 'stream' | 'order'>

const nameOf = ({ tenant, stream }: StreamId): string => JSON.stringify([tenant, stream])
