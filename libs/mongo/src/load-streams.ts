import type { ClientSession, Collection } from 'mongodb'
import type { CommitDocument } from './documents.ts'

export type StreamId = { readonly tenant: string; readonly stream: string }

/** How far to read, inclusive: commits that begin at or below a version, or whose `order` is not above. */
export type UpTo = { readonly version?: number; readonly order?: number }

/** A stream from behind a version that is the end of a commit; 0, the default, is the whole stream. */
export type StreamTail = StreamId & { readonly after?: number; readonly upTo?: UpTo }

export type StoredEvent = {
  readonly id: string
  readonly type: string
  readonly version: number
  readonly occurredAt: number
  readonly bytes: Buffer
  readonly metadata?: Readonly<Record<string, string>>
}

/** What lies behind `after`, up to the last commit that was read. */
export type LoadedStream = {
  /** Of the last event; `after` when nothing lies behind it. */
  readonly version: number
  /** Of the last commit; 0 when nothing was read. */
  readonly order: number
  /** Undefined when nothing was read. */
  readonly lastCommitId: string | undefined
  /** Version of that commit's first event; 0 when nothing was read. */
  readonly lastCommitFirst: number
  readonly events: readonly StoredEvent[]
  /** False when there may be more, because the read had reached its limits. */
  readonly isComplete: boolean
}

/** What one query may bring into memory, over all its streams. */
const LIMITS = { commits: 4_096, bytes: 32 * 1024 * 1024 }

/** The tails of some streams, each in order; one query for all. */
export const loadStreams = async (
  commits: Collection<CommitDocument>,
  tails: readonly StreamTail[],
  session: ClientSession,
): Promise<LoadedStream[]> => {
  const cursor = commits
    .find({ $or: tails.map(tailFilter) }, { session })
    .sort({ tenant: 1, stream: 1, first: 1 })
    .limit(LIMITS.commits)
  const found: CommitDocument[] = []
  let bytes = 0
  for await (const commit of cursor) {
    found.push(commit)
    bytes += commit.events.reduce((sum, event) => sum + event.bytes.length(), 0)
    if (bytes >= LIMITS.bytes) break
  }
  const isAll = found.length < LIMITS.commits && bytes < LIMITS.bytes
  const byStream = Map.groupBy(found, nameOf)
  const last = found.at(-1)
  // Streams come one after the other: those before the last one that was seen are complete.
  const isComplete = (tail: StreamTail): boolean => isAll || (last !== undefined && isBefore(tail, last))
  return tails.map((tail) => {
    // Two callers may want the same stream from different versions on.
    const own = (byStream.get(nameOf(tail)) ?? []).filter((commit) => isIn(tail, commit))
    return toLoaded(tail, own, isComplete(tail))
  })
}

/** In the order of MongoDB's simple collation, which compares bytes of UTF-8. */
const isBefore = (a: StreamId, b: StreamId): boolean => {
  const byTenant = Buffer.compare(Buffer.from(a.tenant), Buffer.from(b.tenant))
  return byTenant < 0 || (byTenant === 0 && Buffer.compare(Buffer.from(a.stream), Buffer.from(b.stream)) < 0)
}

/** Naming `first` is what lets the query use the index over streams and versions, which leaves answers out. */
const tailFilter = ({ tenant, stream, after = 0, upTo = {} }: StreamTail) => ({
  tenant,
  stream,
  first: { $gt: after, ...(upTo.version === undefined ? {} : { $lte: upTo.version }) },
  ...(upTo.order === undefined ? {} : { order: { $lte: upTo.order } }),
})

const isIn = ({ after = 0, upTo = {} }: StreamTail, { first, order }: CommitDocument): boolean =>
  first > after && first <= (upTo.version ?? first) && order <= (upTo.order ?? order)

const nameOf = ({ tenant, stream }: StreamId): string => JSON.stringify([tenant, stream])

const toLoaded = (
  { after = 0 }: StreamTail,
  commits: readonly CommitDocument[],
  isComplete: boolean,
): LoadedStream => {
  const last = commits.at(-1)
  return {
    version: last?.last ?? after,
    order: last?.order ?? 0,
    lastCommitId: last?._id,
    lastCommitFirst: last?.first ?? 0,
    events: commits.flatMap(toStoredEvents),
    isComplete,
  }
}

export const toStoredEvents = (commit: CommitDocument): StoredEvent[] =>
  commit.events.map((event, index) => ({
    id: event.id,
    type: event.type,
    version: commit.first + index,
    occurredAt: event.occurredAt,
    bytes: Buffer.from(event.bytes.buffer),
    ...(event.metadata === undefined ? {} : { metadata: event.metadata }),
  }))
