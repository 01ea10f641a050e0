// States of aggregates at the end of one of their commits, so that loading need not begin with the first event. A
// snapshot is never the truth: whoever reads one checks it (libs/aggregates), and any of them may be lost. So reads
// here need no session, and what lies in the store is handed on unjudged.

import type { Collection } from 'mongodb'
import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf, type SnapshotDocument } from './documents.ts'
import type { StreamId, UpTo } from './load-streams.ts'
import { translating } from './mongo-error.ts'

export type Snapshot = Omit<SnapshotDocument, '_id'>

export type SnapshotHeader = Omit<Snapshot, 'state'>

/** What lies in a store under a version; it may be anything. */
export type StoredSnapshot = { readonly version: number; readonly content: unknown }

/** What tells when the next one is due. */
export type SnapshotMark = Pick<SnapshotHeader, 'version' | 'stateVersion' | 'takenAt'>

/** At most one snapshot a version and stream. */
export type SnapshotStore = {
  /** The one with the highest version within the bounds. */
  closest(stream: StreamId, upTo?: UpTo): Promise<StoredSnapshot | undefined>
  /** Of each stream the newest one; its content is a SnapshotMark at least. */
  newest(streams: readonly StreamId[]): Promise<(StoredSnapshot | undefined)[]>
  /** The newest first; their contents are SnapshotHeaders at least. */
  list(stream: StreamId): Promise<StoredSnapshot[]>
  /** All or nothing, whatever happens meanwhile; takes the place of the one at the same version. */
  save(snapshot: Snapshot): Promise<void>
  remove(stream: StreamId, versions: readonly number[]): Promise<void>
}

export const mongoSnapshotStore = (connection: MongoConnection): SnapshotStore => {
  const { snapshots } = collectionsOf(connection.db)
  return {
    closest: (stream, upTo = {}) =>
      translating(async () => {
        const filter = { ...filterOf(stream), ...boundsOf(upTo) }
        const found = await snapshots.findOne(filter, { sort: { version: -1 } })
        return found ? toStored(found) : undefined
      }),
    newest: (streams) => translating(() => findNewest(snapshots, streams)),
    list: (stream) =>
      translating(async () => {
        const filter = { ...filterOf(stream), ...boundsOf({}) }
        const found = await snapshots
          .find(filter, { projection: { state: 0 } })
          .sort({ version: -1 })
          .toArray()
        return found.map(toStored)
      }),
    save: (snapshot) =>
      translating(async () => {
        await snapshots.replaceOne({ _id: idOf(snapshot) }, snapshot, { upsert: true })
      }),
    remove: (stream, versions) =>
      translating(async () => {
        if (versions.length === 0) return
        await snapshots.deleteMany({ ...filterOf(stream), version: { $in: [...versions] } })
      }),
  }
}

/** A tenant never contains a slash. */
const idOf = ({ tenant, stream, version }: Snapshot): string => `${tenant}/${stream}@${version}`

const filterOf = ({ tenant, stream }: StreamId) => ({ tenant: { $eq: tenant }, stream: { $eq: stream } })

/** Always bounded, so that a version which is no number is not found at all. */
const boundsOf = ({ version = Number.MAX_SAFE_INTEGER, order }: UpTo) => ({
  version: { $gt: 0, $lte: version },
  ...(order === undefined ? {} : { order: { $lte: order } }),
})

const toStored = (content: { readonly version: number }): StoredSnapshot => ({
  version: content.version,
  content,
})

type NewestGroup = { readonly _id: StreamId; readonly mark: SnapshotMark }

/** Answered by the index alone: states may be large. */
const findNewest = async (
  snapshots: Collection<SnapshotDocument>,
  streams: readonly StreamId[],
): Promise<(StoredSnapshot | undefined)[]> => {
  if (streams.length === 0) return []
  const byTenant = Map.groupBy(streams, ({ tenant }) => tenant)
  const wanted = [...byTenant].map(([tenant, group]) => ({
    tenant: { $eq: tenant },
    stream: { $in: group.map(({ stream }) => stream) },
    ...boundsOf({}),
  }))
  const found = await snapshots
    .aggregate<NewestGroup>([
      { $match: { $or: wanted } },
      { $sort: { tenant: 1, stream: 1, version: -1 } },
      {
        $group: {
          _id: { tenant: '$tenant', stream: '$stream' },
          mark: { $first: { version: '$version', stateVersion: '$stateVersion', takenAt: '$takenAt' } },
        },
      },
    ])
    .toArray()
  const marks = new Map(found.map(({ _id, mark }) => [nameOf(_id), mark]))
  return streams.map((stream) => {
    const mark = marks.get(nameOf(stream))
    return mark && toStored(mark)
  })
}

const nameOf = ({ tenant, stream }: StreamId): string => JSON.stringify([tenant, stream])
