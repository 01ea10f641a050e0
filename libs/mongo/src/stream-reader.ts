import type { ClientSession, FindOptions } from 'mongodb'
import { collectionsOf, type Collections } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { CommitDocument } from './documents.ts'
import { eq, range } from './filters.ts'
import type { StreamId } from './load-streams.ts'
import { translating } from './mongo-error.ts'
import { readEventsOf, type PageLimits, type ReadEvent } from './read-event.ts'
import { ofTenant } from './tenant-data.ts'

export type StreamQuery = StreamId & {
  /** The first version that is wanted. Without it a stream is read from its beginning, or backward from its end. */
  readonly from?: number
  readonly direction: 'forward' | 'backward'
  readonly limits: PageLimits
}

export type StreamPage = {
  readonly events: readonly ReadEvent[]
  /** The version to go on from; null when there is none. */
  readonly next: number | null
}

export type StreamFacts = {
  readonly version: number
  readonly firstCommitAt: Date
  readonly lastCommitAt: Date
  readonly lastCommitId: string
  readonly lastEventId: string | undefined
}

/** What is committed, by majority reads, whether it is published or not. A stream that does not exist is undefined. */
export type StreamReader = {
  read(query: StreamQuery): Promise<StreamPage | undefined>
  facts(stream: StreamId): Promise<StreamFacts | undefined>
}

export const mongoStreamReader = (connection: MongoConnection): StreamReader => {
  const { commits } = collectionsOf(connection)
  const inSession = <T>(work: (at: At) => Promise<T>): Promise<T> =>
    translating(() => connection.inCausalSession((session) => work({ commits, session })))
  return {
    read: (query) => inSession((at) => readPage(at, query)),
    facts: (stream) => inSession((at) => readFacts(at, stream)),
  }
}

type At = Pick<Collections, 'commits'> & { readonly session: ClientSession }

const readPage = async (at: At, query: StreamQuery): Promise<StreamPage | undefined> => {
  // Each commit has an event at least; the commit beyond the last one wanted tells where to go on.
  const maxCommits = query.limits.events + 1
  if (query.direction === 'backward') {
    const newest = commitsUpTo(at, query, { version: query.from, limit: maxCommits })
    return takePage(newest, (event) => event.version <= (query.from ?? event.version), query)
  }
  const from = query.from ?? 1
  const start = await commitsUpTo(at, query, { version: from, limit: 1, projection: { first: 1 } }).next()
  if (!start) return undefined
  const where = { stream: eq(query.stream), first: range({ gte: start.first }) }
  const onward = ofTenant(at.commits, query.tenant).find<CommitDocument>(where, {
    session: at.session,
    sort: { first: 1 },
    limit: maxCommits,
  })
  return takePage(onward, (event) => event.version >= from, query)
}

type UpTo = Pick<FindOptions, 'limit' | 'projection'> & { readonly version?: number | undefined }

/** Those that begin at `version` or below, newest first. */
const commitsUpTo = (
  { commits, session }: At,
  { tenant, stream }: StreamId,
  { version = Number.MAX_SAFE_INTEGER, ...options }: UpTo,
) =>
  ofTenant(commits, tenant).find<CommitDocument>(
    { stream: eq(stream), first: range({ lte: version }) },
    { ...options, session, sort: { first: -1 } },
  )

/** Undefined when there is not one commit to begin with. */
const takePage = async (
  commits: AsyncIterable<CommitDocument>,
  isWanted: (event: ReadEvent) => boolean,
  { direction, limits }: StreamQuery,
): Promise<StreamPage | undefined> => {
  const events: ReadEvent[] = []
  let bytes = 0
  let isKnown = false
  for await (const commit of commits) {
    isKnown = true
    const inOrder = direction === 'forward' ? readEventsOf(commit) : readEventsOf(commit).reverse()
    for (const event of inOrder.filter(isWanted)) {
      if (events.length >= limits.events || bytes >= limits.bytes) return { events, next: event.version }
      events.push(event)
      bytes += event.bytes.length
    }
  }
  return isKnown ? { events, next: null } : undefined
}

const readFacts = async (at: At, stream: StreamId): Promise<StreamFacts | undefined> => {
  const last = await commitsUpTo(at, stream, { limit: 1 }).next()
  const first = await commitsUpTo(at, stream, { version: 1, limit: 1 }).next()
  if (!last || !first) return undefined
  return {
    version: last.last,
    firstCommitAt: first.committedAt,
    lastCommitAt: last.committedAt,
    lastCommitId: last._id,
    lastEventId: last.events.at(-1)?.id,
  }
}
