// The log is what the publication records say: per partition a sequence of events without gaps, up to the last record
// that is done. A position is a vector, one sequence per partition. A commit gets its sequences when it is published,
// above all that were given before, so a reader that goes by sequence misses none that comes late and sees none twice.
//
// Partitions have no common order of their own. They are merged by the commits' `order` (a time), always by the next
// event of each partition, ties by partition; within a partition nothing moves. Which event follows a position thus
// depends on that position alone, and a log at rest reads the same in pages of any size. The merge stops where the
// next event of a partition is not known yet: at the end of the stretch of its records that was looked at.
//
// A read works in rounds: look at the next records of the partitions, ask for the matching commits among theirs
// (without data), merge; until the page is full, all partitions are at their ends, or as many events were looked at
// as may be. Only what goes into the page is then loaded.

import type { ClientSession } from 'mongodb'
import { PlatformError } from '@millrace/runtime'
import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf, type Collections } from './collections.ts'
import type { ShardId } from './documents.ts'
import { isIn } from './filters.ts'
import { findMatches, type Wanted } from './log-matches.ts'
import {
  feedTape,
  isDry,
  isOver,
  reachedBy,
  startTape,
  takeNext,
  type Candidate,
  type Tape,
} from './log-tape.ts'
import { readWindows } from './log-window.ts'
import { translating } from './mongo-error.ts'
import { placeOf } from './publication-records.ts'
import { readEventsOf, type PageLimits, type ReadEvent } from './read-event.ts'
import { ofTenant } from './tenant-data.ts'

/** Per `topic/partition` the sequence of the last event that lies behind; 0, before the first, may be left out. */
export type LogPosition = Readonly<Record<string, number>>

export type LogLimits = PageLimits & {
  /** Events of any tenant and type that one read passes; about, since no commit is cut. */
  readonly lookedAt: number
}

export type LogQuery = Wanted & {
  readonly partitions: readonly ShardId[]
  readonly after: LogPosition
  readonly limits: LogLimits
}

/** An event with its partition, and its number there. */
export type LogEvent = ReadEvent & { readonly partition: number; readonly sequence: number }

export type LogPage = {
  readonly events: readonly LogEvent[]
  /** Where to go on; it also moves past what did not match. */
  readonly position: LogPosition
  /** Nothing had been published behind the position when it was looked for. */
  readonly isAtEnd: boolean
}

export type LogReader = { read(query: LogQuery): Promise<LogPage> }

export const mongoLogReader = (connection: MongoConnection): LogReader => {
  const collections = collectionsOf(connection)
  return {
    read: (query) =>
      translating(() =>
        connection.inCausalSession((session) => readPage({ ...collections, session }, query)),
      ),
  }
}

type At = Pick<Collections, 'commits' | 'publications'> & { readonly session: ClientSession }

type Page = { readonly candidates: Candidate[]; bytes: number }

const readPage = async (at: At, query: LogQuery): Promise<LogPage> => {
  const { limits, partitions, after } = query
  const tapes = partitions.map((shard) => startTape(shard, after[placeOf(shard)] ?? 0)).sort(byPlace)
  const page: Page = { candidates: [], bytes: 0 }
  let looked = 0
  while (tapes.some(isDry) && looked < limits.lookedAt && !isFull(page, limits)) {
    looked += await feed(at, query, planFeed(tapes, limits, { page, looked }))
    fill(page, tapes, limits)
  }
  const reached = tapes.map((tape): [string, number] => [placeOf(tape.shard), reachedBy(tape)])
  return {
    events: await load(at, query, page.candidates),
    position: { ...after, ...Object.fromEntries(reached) },
    isAtEnd: tapes.every(isOver),
  }
}

const byPlace = ({ shard: a }: Tape, { shard: b }: Tape): number =>
  a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1

type Feed = { readonly tapes: readonly Tape[]; readonly size: number }

/** What a stretch has at least, so that partitions that are not equally busy do not cost more rounds. */
const MIN_STRETCH = 32

/**
 * Feeds all that do not hold their share of what the page still lacks, not the dry ones alone: the others will be dry
 * next. Stretches are as long as should do, with a half more, if the rest is as rare as what was seen.
 */
const planFeed = (
  tapes: readonly Tape[],
  limits: LogLimits,
  { page, looked }: { page: Page; looked: number },
): Feed => {
  const live = tapes.filter(({ isAtEnd }) => !isAtEnd)
  const share = (limits.events - page.candidates.length) / live.length
  const hungry = live.filter(({ waiting }) => waiting.length < share)
  const found = tapes.reduce((sum, { waiting }) => sum + waiting.length, page.candidates.length)
  const lookedPerFound = looked === 0 ? 1 : looked / found
  return {
    tapes: hungry,
    size: Math.ceil(
      Math.min((limits.lookedAt - looked) / hungry.length, MIN_STRETCH + 1.5 * share * lookedPerFound),
    ),
  }
}

/** Looks at the next events of the tapes; gives how many they were. */
const feed = async (at: At, query: LogQuery, { tapes, size }: Feed): Promise<number> => {
  const stretches = tapes.map(({ shard, passed }) => ({ shard, after: passed, size }))
  const windows = await readWindows(at, stretches)
  const logged = windows.flatMap(({ commits }) => commits)
  const matches = await findMatches(at, query, logged)
  return windows.reduce((looked, window, index) => {
    const tape = tapes[index]
    return tape ? looked + feedTape(tape, window, matches) : looked
  }, 0)
}

const isFull = ({ candidates, bytes }: Page, limits: PageLimits): boolean =>
  candidates.length >= limits.events || bytes >= limits.bytes

const fill = (page: Page, tapes: readonly Tape[], limits: PageLimits): void => {
  while (!isFull(page, limits)) {
    const next = takeNext(tapes)
    if (!next) return
    page.candidates.push(next)
    page.bytes += next.bytes
  }
}

const load = async (
  { commits, session }: At,
  { tenant }: Wanted,
  candidates: readonly Candidate[],
): Promise<LogEvent[]> => {
  if (candidates.length === 0) return []
  const ids = [...new Set(candidates.map(({ commitId }) => commitId))]
  const found = await ofTenant(commits, tenant)
    .find({ _id: isIn(ids) }, { session, hint: '_id_' })
    .toArray()
  const eventsById = new Map(
    found.map((commit) => [
      commit._id,
      readEventsOf(commit).map((event) => ({ ...event, partition: commit.partition })),
    ]),
  )
  return candidates.map(({ commitId, index, sequence }) => {
    const event = eventsById.get(commitId)?.[index]
    if (event) return { ...event, sequence }
    const message = `event ${index} of commit ${commitId} is in the log and not in the store`
    throw new PlatformError({ code: 'STORE_DAMAGED', message, retryable: false })
  })
}
