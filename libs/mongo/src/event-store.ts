// Commits and the answers to commands that made none live in one collection. Two unique indexes carry the
// promises: (tenant, stream, first version) lets one of two concurrent decisions win, and (tenant, principal,
// route, key) lets one of two equal requests win, whichever replica they reached. After a duplicate-key error
// nobody guesses which index spoke: the key is looked up first, and if it is unused the version was taken.
// That look-up, and the load of the next try, is causally after the failed write, so it sees what the write
// collided with.
//
// Loads and inserts of concurrent commands travel together (coalesce.ts): a round trip and a majority wait are paid
// once for all that were waiting. Each still stands or falls by itself.

import { Binary, type ClientSession } from 'mongodb'
import { coalesce } from './coalesce.ts'
import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf, type AnswerDocument, type Collections, type CommitDocument } from './documents.ts'
import { findFormer, findFormers, scopeOf, type AnswerScope, type FormerAnswer } from './former-answers.ts'
import { insertCommits } from './insert-commits.ts'
import { loadStreams, type LoadedStream, type StoredEvent, type StreamId } from './load-streams.ts'
import { isDuplicateKey, translating } from './mongo-error.ts'
import { inTransaction } from './transaction.ts'

export type NewCommit = Omit<
  CommitDocument,
  'events' | 'committedAt' | 'pending' | 'publication' | 'first' | 'last'
> & {
  readonly first: number
  readonly events: readonly Omit<StoredEvent, 'version'>[]
}

export type NewAnswer = Omit<AnswerDocument, 'expiresAt'>

export type AppendOutcome =
  | { readonly type: 'appended' }
  | { readonly type: 'key-used'; readonly former: FormerAnswer }
  | { readonly type: 'version-taken' }

type DecideAnswer = (loaded: LoadedStream) => Promise<NewAnswer | undefined>

export type KeepOutcome =
  | { readonly type: 'kept'; readonly answer: NewAnswer }
  | { readonly type: 'key-used'; readonly former: FormerAnswer }
  | { readonly type: 'changed' }

export type EventStore = {
  load(stream: StreamId): Promise<LoadedStream>
  append(commit: NewCommit): Promise<AppendOutcome>
  findFormer(scope: AnswerScope): Promise<FormerAnswer | undefined>
  /**
   * Decides on the stream and keeps the answer in one majority transaction, so that a "no" is a true no.
   * `decide` may answer undefined: then nothing is kept, because the stream has changed and a yes is due.
   */
  keepAnswer(stream: StreamId, decide: DecideAnswer): Promise<KeepOutcome>
}

/** Two round trips under way keep the server busy; more would only make the groups smaller. */
const TOGETHER = { maxItems: 256, maxRuns: 2, maxWaiting: 2_048 }

export const mongoEventStore = (connection: MongoConnection): EventStore => {
  const collections = collectionsOf(connection.db)
  const { commits, answers } = collections
  const { inCausalSession } = connection
  const load = coalesce({
    ...TOGETHER,
    run: (ids: readonly StreamId[]) => inCausalSession((session) => loadStreams(commits, ids, session)),
  })
  const append = coalesce({
    ...TOGETHER,
    run: (wanted: readonly NewCommit[]) =>
      inCausalSession((session) => appendTogether(collections, wanted, session)),
  })
  return {
    load: (id) => translating(() => load(id)),
    append: (commit) => translating(() => append(commit)),
    findFormer: (scope) =>
      translating(() => inCausalSession((session) => findFormer(answers, scope, session))),
    keepAnswer: (stream, decide) =>
      translating(() => inCausalSession((session) => keepAnswer({ collections, session }, stream, decide))),
  }
}

const appendTogether = async (
  { commits, answers }: Collections,
  wanted: readonly NewCommit[],
  session: ClientSession,
): Promise<AppendOutcome[]> => {
  const inserted = await insertCommits(commits, wanted.map(toDocument), session)
  const losers = wanted.filter((_, index) => !inserted[index])
  const formers = await findFormers(answers, losers.map(scopeOf), session)
  const formerOf = new Map(losers.map((loser, index) => [loser, formers[index]]))
  return wanted.map((commit, index) =>
    inserted[index] ? { type: 'appended' } : lostTo(formerOf.get(commit)),
  )
}

const lostTo = (former: FormerAnswer | undefined): AppendOutcome =>
  former ? { type: 'key-used', former } : { type: 'version-taken' }

const toDocument = (commit: NewCommit): CommitDocument => ({
  ...commit,
  last: commit.first + commit.events.length - 1,
  events: commit.events.map((event) => ({ ...event, bytes: new Binary(event.bytes) })),
  committedAt: new Date(),
  pending: true,
})

/** Answers without events are kept this long; commits, and their keys, for ever. */
const ANSWER_LIFE_MS = 48 * 3_600_000

const keepAnswer = async (
  { collections: { commits, answers }, session }: { collections: Collections; session: ClientSession },
  stream: StreamId,
  decide: DecideAnswer,
): Promise<KeepOutcome> => {
  let attempted: NewAnswer | undefined
  try {
    return await inTransaction(session, async () => {
      const [loaded] = await loadStreams(commits, [stream], session)
      attempted = loaded && (await decide(loaded))
      if (!attempted) return { type: 'changed' }
      const expiresAt = new Date(Date.now() + ANSWER_LIFE_MS)
      await answers.insertOne({ ...attempted, expiresAt }, { session })
      return { type: 'kept', answer: attempted }
    })
  } catch (error) {
    if (!isDuplicateKey(error) || !attempted) throw error
    const former = await findFormer(answers, scopeOf(attempted), session)
    if (former) return { type: 'key-used', former }
    throw error
  }
}
