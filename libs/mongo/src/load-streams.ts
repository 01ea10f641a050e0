import type { ClientSession, Collection } from 'mongodb'
import type { CommitDocument } from './documents.ts'

export type StreamId = { readonly tenant: string; readonly stream: string }

export type StoredEvent = {
  readonly id: string
  readonly type: string
  readonly version: number
  readonly occurredAt: number
  readonly bytes: Buffer
}

/** A stream as its last commit leaves it; version 0 and order 0 when there is none. */
export type LoadedStream = {
  readonly version: number
  readonly order: number
  readonly lastCommitId: string | undefined
  readonly events: readonly StoredEvent[]
}

/** All events of each stream, in order; one query for all. */
export const loadStreams = async (
  commits: Collection<CommitDocument>,
  ids: readonly StreamId[],
  session: ClientSession,
): Promise<LoadedStream[]> => {
  const found = await commits
    .find({ $or: ids.map(streamFilter) }, { session })
    .sort({ tenant: 1, stream: 1, first: 1 })
    .toArray()
  const byStream = Map.groupBy(found, nameOf)
  return ids.map((id) => toLoaded(byStream.get(nameOf(id)) ?? []))
}

/** Naming `first` is what lets the query use the index over streams and versions, which leaves answers out. */
const streamFilter = ({ tenant, stream }: StreamId) => ({ tenant, stream, first: { $gt: 0 } })

const nameOf = ({ tenant, stream }: StreamId): string => JSON.stringify([tenant, stream])

const toLoaded = (commits: readonly CommitDocument[]): LoadedStream => {
  const last = commits.at(-1)
  return {
    version: last?.last ?? 0,
    order: last?.order ?? 0,
    lastCommitId: last?._id,
    events: commits.flatMap(toStoredEvents),
  }
}

const toStoredEvents = (commit: CommitDocument): StoredEvent[] =>
  commit.events.map((event, index) => ({
    id: event.id,
    type: event.type,
    version: commit.first + index,
    occurredAt: event.occurredAt,
    bytes: Buffer.from(event.bytes.buffer),
  }))
