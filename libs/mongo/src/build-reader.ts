// A build as a check sees it: all its documents, of all tenants, and how far they are. Documents and checkpoints are
// read in one snapshot, so a document is exactly what its partitions' checkpoints say.

import type { ClientSession } from 'mongodb'
import { readModelToCheck } from './across-tenants.ts'
import { collectionsOf, type Collections } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import { documentOfPartial, idsOfPartials, placeOfPartial } from './document-id.ts'
import { withoutEngineMembers, type ReadModelDocument } from './documents.ts'
import { anyOf, isIn, toFilter, type Where } from './filters.ts'
import { isNoSuchCollection, translating } from './mongo-error.ts'
import { placeOf } from './publication-records.ts'
import { inTransaction } from './transaction.ts'

/** A document, or one partial of a grouped one. */
export type StoredPartial = {
  /** `_id` */
  readonly id: string
  /** `topic/partition`, as in `reached`. */
  readonly place: string
  /** Of the last event in it. */
  readonly sequence: number
  readonly fields: Readonly<Record<string, unknown>>
}

export type BuildSight = {
  /** By `<tenant>/<key>`. */
  readonly documents: ReadonlyMap<string, readonly StoredPartial[]>
  /** By place, the last sequence of its checkpoint. */
  readonly reached: ReadonlyMap<string, number>
  /** By place, the largest event time up to there; null before the first event. */
  readonly watermarks: ReadonlyMap<string, number | null>
}

export type BuildReader = {
  /** `<tenant>/<key>` of every document, in order, in chunks; those that come or go meanwhile may be missed. */
  keys(): AsyncGenerator<readonly string[]>
  read(keys: readonly string[]): Promise<BuildSight>
  /** How many documents or partials there are, and how large they are together, about. */
  extent(): Promise<{ documents: number; bytes: number }>
  /** What is parked in a partition, and so in no document: message keys as text, by sequence. */
  parked(place: { topic: string; partition: number }): Promise<ReadonlyMap<number, string | null>>
}

/** Of one build; `topic` is the only source of one that is not grouped. */
export type BuildToRead = { readonly build: string; readonly isGrouped: boolean; readonly topic: string }

const IDS_AT_A_TIME = 5_000

export const mongoBuildReader = (connection: MongoConnection, build: BuildToRead): BuildReader => {
  const collections = collectionsOf(connection)
  const documents = readModelToCheck(collections, build.build)
  const within = <T>(work: (session: ClientSession) => Promise<T>): Promise<T> =>
    translating(() => connection.inCausalSession(work))
  const nextIds = (after: string): Promise<string[]> =>
    within(async (session) => {
      const found = await documents
        .find({ _id: { $gt: after } }, { session, projection: { _id: 1 } })
        .sort({ _id: 1 })
        .limit(IDS_AT_A_TIME)
        .toArray()
      return found.map(({ _id }) => _id)
    })
  return {
    keys: async function* () {
      let [after, lastKey] = ['', '']
      for (;;) {
        const ids = await nextIds(after)
        after = ids.at(-1) ?? after
        const keys = [...new Set(ids.map((id) => keyOf(build, id)))].filter((key) => key !== lastKey)
        lastKey = keys.at(-1) ?? lastKey
        if (keys.length > 0) yield keys
        if (ids.length < IDS_AT_A_TIME) return
      }
    },
    read: (keys) =>
      within((session) => inTransaction(session, () => read({ collections, session }, build, keys))),
    extent: () => within(() => extentOf(documents)),
    parked: ({ topic, partition }) =>
      within(async (session) => {
        const lane = { projection: build.build, topic, partition }
        // Not `distinct`: its answer is one document, and ends at 16 MiB.
        const projection = { sequence: 1, parkingKey: 1 }
        const keys = new Map<number, string | null>()
        for await (const { sequence, parkingKey } of collections.parkedEvents.find(lane, {
          session,
          projection,
        }))
          if (sequence !== null) keys.set(sequence, parkingKey)
        return keys
      }),
  }
}

const extentOf = async (
  documents: ReturnType<typeof readModelToCheck>,
): Promise<{ documents: number; bytes: number }> => {
  try {
    const [stats] = await documents
      .aggregate<{ storageStats: { count: number; size: number } }>([{ $collStats: { storageStats: {} } }])
      .toArray()
    return { documents: stats?.storageStats.count ?? 0, bytes: stats?.storageStats.size ?? 0 }
  } catch (error) {
    if (isNoSuchCollection(error)) return { documents: 0, bytes: 0 }
    throw error
  }
}

const keyOf = ({ isGrouped }: BuildToRead, id: string): string => (isGrouped ? documentOfPartial(id) : id)

type At = { readonly collections: Collections; readonly session: ClientSession }

const read = async (
  { collections, session }: At,
  build: BuildToRead,
  keys: readonly string[],
): Promise<BuildSight> => {
  const checkpoints = await collections.checkpoints
    .find({ '_id.projection': build.build }, { session })
    .toArray()
  const reached = new Map(checkpoints.map(({ _id, lastSequence }) => [placeOf(_id), lastSequence]))
  const watermarks = new Map(checkpoints.map(({ _id, watermark }) => [placeOf(_id), watermark ?? null]))
  if (keys.length === 0) return { documents: new Map(), reached, watermarks }
  const found = await readModelToCheck(collections, build.build)
    .find(toFilter(ofKeys(build, keys)), { session })
    .toArray()
  const byKey = Map.groupBy(found, ({ _id }) => keyOf(build, _id))
  const documents = [...byKey].map(([key, partials]): [string, StoredPartial[]] => [
    key,
    partials.map((partial) => toPartial(build, partial)),
  ])
  return { documents: new Map(documents), reached, watermarks }
}

const ofKeys = ({ isGrouped }: BuildToRead, keys: readonly string[]): Where<ReadModelDocument> =>
  isGrouped ? anyOf(...keys.map((key) => ({ _id: idsOfPartials(key) }))) : { _id: isIn(keys) }

const toPartial = ({ isGrouped, topic }: BuildToRead, document: ReadModelDocument): StoredPartial => ({
  id: document._id,
  place: isGrouped ? placeOfPartial(document._id) : `${topic}/${document._partition}`,
  sequence: document._sequence ?? 0,
  fields: withoutEngineMembers(document),
})
