// States of aggregates at the end of one of their commits, so that loading need not begin with the first event. A
// snapshot is never the truth: whoever reads one checks it (libs/aggregates), and any of them may be lost. So reads
// here need no session, and what lies in the store is handed on unjudged.

import { collectionsOf, type Collections } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { SnapshotDocument } from './documents.ts'
import { eq, isIn, range } from './filters.ts'
import type { StreamId, UpTo } from './load-streams.ts'
import { translating } from './mongo-error.ts'
import { byTenantKey, ofTenant, ofTenants } from './tenant-data.ts'

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
  const { snapshots } = collectionsOf(connection)
  return {
    closest: (stream, upTo = {}) =>
      translating(async () => {
        const where = { stream: eq(stream.stream), ...within(upTo) }
        const found = await ofTenant(snapshots, stream.tenant).findOne<SnapshotDocument>(where, {
          sort: { version: -1 },
        })
        return found ? toStored(found) : undefined
      }),
    newest: (streams) => translating(() => findNewest(snapshots, streams)),
    list: (stream) =>
      translating(async () => {
        const where = { stream: eq(stream.stream), ...within({}) }
        const found = await ofTenant(snapshots, stream.tenant)
          .find<SnapshotHeader>(where, { projection: { state: 0 }, sort: { version: -1 } })
          .toArray()
        return found.map(toStored)
      }),
    save: (snapshot) =>
      translating(async () => {
        const { tenant, ...fields } = snapshot
        await byTenantKey(snapshots).write([{ tenant, id: idOf(snapshot), fields }])
      }),
    remove: (stream, versions) =>
      translating(async () => {
        if (versions.length === 0) return
        const where = { stream: eq(stream.stream), version: isIn(versions) }
        await ofTenant(snapshots, stream.tenant).deleteMany(where)
      }),
  }
}

/** A tenant never contains a slash. */
const idOf = ({ tenant, stream, version }: Snapshot): string => `${tenant}/${stream}@${version}`

/** Always bounded, so that a version which is no number is not found at all. */
const within = ({ version = Number.MAX_SAFE_INTEGER, order }: UpTo) => ({
  version: range({ gt: 0, lte: version }),
  ...(order === undefined ? {} : { order: range({ lte: order }) }),
})

const toStored = (content: { readonly version: number }): StoredSnapshot => ({
  version: content.version,
  content,
})

type NewestGroup = { readonly _id: StreamId; readonly mark: SnapshotMark }

/** Answered by the index alone: states may be large. */
const findNewest = async (
  snapshots: Collections['snapshots'],
  streams: readonly StreamId[],
): Promise<(StoredSnapshot | undefined)[]> => {
  if (streams.length === 0) return []
  const byTenant = Map.groupBy(streams, ({ tenant }) => tenant)
  const wanted = [...byTenant].map(([tenant, group]) => ({
    tenant,
    where: { stream: isIn(group.map(({ stream }) => stream)), ...within({}) },
  }))
  const found = await ofTenants(snapshots)
    .aggregate<NewestGroup>(wanted, [
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
