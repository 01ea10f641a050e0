// Whoever asks with `?after=` asks again and again until its event is published. So those who ask at the same time ask
// together: it costs the store the same for one as for a hundred.

import { BY_WAITERS } from './asked-together.ts'
import { coalesce } from './coalesce.ts'
import { collectionsOf, type Collections } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { CommitDocument, PublicationDocument, ShardId } from './documents.ts'
import { isIn } from './filters.ts'
import { translating } from './mongo-error.ts'
import { commitsOf } from './publication-records.ts'
import { ofTenants } from './tenant-data.ts'

/** Where a commit is on its way to Kafka; `key` is the id of its aggregate. */
export type Whereabouts =
  | { readonly type: 'unknown' }
  | ({ readonly type: 'unpublished'; readonly key: string } & ShardId)
  | ({ readonly type: 'published'; readonly key: string; readonly lastSequence: number } & ShardId)

type Commit = { readonly tenant: string; readonly commitId: string }

export type Positions = {
  locate(commit: Commit): Promise<Whereabouts>
}

export const mongoPositions = (connection: MongoConnection): Positions => {
  const collections = collectionsOf(connection)
  const locate = coalesce({
    ...BY_WAITERS,
    run: (wanted: readonly Commit[]) => locateAll(collections, wanted),
  })
  return { locate: (commit) => translating(() => locate(commit)) }
}

/** An answer, which shares the collection, has none of it but `_id` and `tenant`. */
type Place = Pick<CommitDocument, '_id' | 'tenant' | 'key' | 'topic' | 'partition' | 'publication'>

const PLACE = { tenant: 1, key: 1, topic: 1, partition: 1, publication: 1 }

const locateAll = async (
  { commits, publications }: Pick<Collections, 'commits' | 'publications'>,
  wanted: readonly Commit[],
): Promise<Whereabouts[]> => {
  const parts = [...Map.groupBy(wanted, ({ tenant }) => tenant)].map(([tenant, ofTenant]) => ({
    tenant,
    where: { _id: isIn(ofTenant.map(({ commitId }) => commitId)) },
  }))
  const places = await ofTenants(commits).find<Place>(parts, { projection: PLACE }).toArray()
  const ids = places.flatMap(({ topic, partition, publication: n }) =>
    n === undefined ? [] : [{ topic, partition, n }],
  )
  const found = ids.length > 0 ? await publications.find({ _id: { $in: ids } }).toArray() : []
  const records = new Map(found.map((record) => [nameOf(record._id), record]))
  const known = new Map(places.map((place) => [place._id, place]))
  return wanted.map(({ tenant, commitId }) => {
    const place = known.get(commitId)
    return place?.tenant === tenant ? whereaboutsOf(place, records) : { type: 'unknown' }
  })
}

const nameOf = ({ topic, partition, n }: PublicationDocument['_id']): string => `${topic}/${partition}/${n}`

const whereaboutsOf = (
  { _id: id, key, topic, partition, publication: n }: Place,
  records: ReadonlyMap<string, PublicationDocument>,
): Whereabouts => {
  if (!topic) return { type: 'unknown' }
  if (n === undefined) return { type: 'unpublished', key, topic, partition }
  const record = records.get(nameOf({ topic, partition, n }))
  const logged = record && commitsOf(record).find((commit) => commit.id === id)
  if (!logged) return { type: 'unknown' }
  return { type: 'published', key, topic, partition, lastSequence: logged.lastSequence }
}
