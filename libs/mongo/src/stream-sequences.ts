import type { ClientSession } from 'mongodb'
import { collectionsOf, type Collections } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { CommitDocument, PublicationDocument, ShardId } from './documents.ts'
import { eq, range } from './filters.ts'
import type { StreamId } from './load-streams.ts'
import { translating } from './mongo-error.ts'
import { commitsOf } from './publication-records.ts'
import { ofTenant } from './tenant-data.ts'

/** Where in the log an event is, or will be: until its commit is published it has no sequence. */
export type LogPlace = ShardId & { readonly sequence: number | undefined }

export type VersionRange = { readonly from: number; readonly to: number }

export type StreamSequences = {
  /** By version. */
  placesOf(stream: StreamId, versions: VersionRange): Promise<ReadonlyMap<number, LogPlace>>
}

type Head = Pick<CommitDocument, '_id' | 'first' | 'last' | 'topic' | 'partition' | 'publication'>

type At = Pick<Collections, 'commits' | 'publications'> & { readonly session: ClientSession }

export const mongoStreamSequences = (connection: MongoConnection): StreamSequences => {
  const collections = collectionsOf(connection)
  return {
    placesOf: (stream, versions) =>
      translating(() =>
        connection.inCausalSession(async (session) => {
          const at = { ...collections, session }
          const heads = await readHeads(at, stream, versions)
          const sequences = await readSequences(at, heads)
          return new Map(heads.flatMap((head) => placesIn(head, sequences.get(head._id))))
        }),
      ),
  }
}

/** Of the commits that have the versions, newest first. */
const readHeads = async (
  { commits, session }: At,
  { tenant, stream }: StreamId,
  { from, to }: VersionRange,
): Promise<Head[]> => {
  const cursor = ofTenant(commits, tenant).find<Head>(
    { stream: eq(stream), first: range({ lte: to }) },
    {
      session,
      sort: { first: -1 },
      // Each has an event at least.
      limit: to - from + 1,
      projection: { first: 1, last: 1, topic: 1, partition: 1, publication: 1 },
    },
  )
  return (await cursor.toArray()).filter(({ last }) => last >= from)
}

/** First sequence of each commit that is in a publication. */
const readSequences = async (
  { publications, session }: At,
  heads: readonly Head[],
): Promise<ReadonlyMap<string, number>> => {
  const ids = heads.flatMap(({ topic, partition, publication: n }) =>
    n === undefined ? [] : [{ topic, partition, n }],
  )
  const own = new Set(heads.map(({ _id }) => _id))
  const sequences = new Map<string, number>()
  for await (const record of publications.find<PublicationDocument>({ _id: { $in: ids } }, { session }))
    for (const { id, firstSequence } of commitsOf(record)) if (own.has(id)) sequences.set(id, firstSequence)
  return sequences
}

const placesIn = (
  { first, last, topic, partition }: Head,
  firstSequence: number | undefined,
): [number, LogPlace][] =>
  Array.from({ length: last - first + 1 }, (_, index) => [
    first + index,
    { topic, partition, sequence: firstSequence === undefined ? undefined : firstSequence + index },
  ])
