import type { ClientSession } from 'mongodb'
import type { Collections } from './collections.ts'
import type { CommitDocument } from './documents.ts'
import { eq, range } from './filters.ts'
import { ofTenants } from './tenant-data.ts'

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

export type LoadLimits = { readonly commits: number; readonly events: number; readonly bytes: number }

/** What one query may bring into memory, over all its streams. */
const LIMITS: LoadLimits = { commits: 4_096, events: 65_536, bytes: 32 * 1024 * 1024 }

type From = Pick<Collections, 'commits'> & { readonly session: ClientSession }

/**
 * The tails of some streams, each in order; one query for all. Where long ones have left no room, the tail that was
 * asked for first among those that got nothing is read alone, so that nobody waits for ever.
 */
export const loadStreams = async (
  from: From,
  tails: readonly StreamTail[],
  limits = LIMITS,
): Promise<LoadedStream[]> => {
  const loaded = await loadTogether(from, tails, limits)
  const starved = loaded.findIndex(({ isComplete, events }) => !isComplete && events.length === 0)
  const tail = tails[starved]
  if (!tail || tails.length === 1) return loaded
  const [alone] = await loadTogether(from, [tail], limits)
  return loaded.map((one, index) => (index === starved && alone ? alone : one))
}

const loadTogether = async (
  { commits, session }: From,
  tails: readonly StreamTail[],
  limits: LoadLimits,
): Promise<LoadedStream[]> => {
  const { found, isAll } = await readWithin({ commits, session }, tails, limits)
  const byStream = Map.groupBy(found, streamNameOf)
  const last = found.at(-1)
  // Streams come one after the other: those before the last one that was seen are complete.
  const isComplete = (tail: StreamTail): boolean => isAll || (last !== undefined && isBefore(tail, last))
  return tails.map((tail) => {
    // Two callers may want the same stream from different versions on.
    const own = (byStream.get(streamNameOf(tail)) ?? []).filter((commit) => isIn(tail, commit))
    return toLoaded(tail, own, isComplete(tail))
  })
}

const readWithin = async (
  { commits, session }: From,
  tails: readonly StreamTail[],
  limits: LoadLimits,
): Promise<{ found: CommitDocument[]; isAll: boolean }> => {
  const sort = { tenant: 1, stream: 1, first: 1 } as const
  const cursor = ofTenants(commits).find(tails.map(ofTail), { session, sort, limit: limits.commits })
  const found: CommitDocument[] = []
  let events = 0
  let bytes = 0
  for await (const commit of cursor) {
    found.push(commit)
    events += commit.events.length
    bytes += commit.events.reduce((sum, event) => sum + event.bytes.length(), 0)
    if (events >= limits.events || bytes >= limits.bytes) return { found, isAll: false }
  }
  return { found, isAll: found.length < limits.commits }
}

/** In the order of MongoDB's simple collation, which compares bytes of UTF-8. */
const isBefore = (a: StreamId, b: StreamId): boolean => {
  const byTenant = Buffer.compare(Buffer.from(a.tenant), Buffer.from(b.tenant))
  return byTenant < 0 || (byTenant === 0 && Buffer.compare(Buffer.from(a.stream), Buffer.from(b.stream)) < 0)
}

/** Naming `first` is what lets the query use the index over streams and versions, which leaves answers out. */
const ofTail = ({ tenant, stream, after = 0, upTo = {} }: StreamTail) => ({
  tenant,
  where: {
    stream: eq(stream),
    first: range({ gt: after, ...(upTo.version === undefined ? {} : { lte: upTo.version }) }),
    ...(upTo.order === undefined ? {} : { order: range({ lte: upTo.order }) }),
  },
})

const isIn = ({ after = 0, upTo = {} }: StreamTail, { first, order }: CommitDocument): boolean =>
  first > after && first <= (upTo.version ?? first) && order <= (upTo.order ?? order)

/** The same for equal streams only. */
export const streamNameOf = ({ tenant, stream }: StreamId): string => JSON.stringify([tenant, stream])

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
