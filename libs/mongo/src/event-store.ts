// Commits and the answers to commands that made none live in one collection. Two unique indexes carry the
// promises: (tenant, stream, first version) lets one of two concurrent decisions win, and (tenant, principal,
// route, key) lets one of two equal requests win, whichever replica they reached. After a duplicate-key error
// nobody guesses which index spoke: the key is looked up first, and if it is unused the version was taken.
// That look-up is causally after the failed write, so it sees what the write collided with.
//
// Loads and inserts of concurrent commands travel together (coalesce.ts): a round trip and a majority wait are paid
// once for all that were waiting. Each still stands or falls by itself.

import { Binary, type ClientSession } from 'mongodb'
import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf, type AnswerDocument, type CommitDocument, type IdempotencyKey } from './documents.ts'
import { coalesce } from './coalesce.ts'
import { insertCommits } from './insert-commits.ts'
import { isDuplicateKey, translating } from './mongo-error.ts'
import { inTransaction, type Transaction } from './transaction.ts'

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

export type NewCommit = Omit<
  CommitDocument,
  'events' | 'committedAt' | 'pending' | 'publication' | 'first' | 'last'
> & {
  readonly first: number
  readonly events: readonly Omit<StoredEvent, 'version'>[]
}

export type NewAnswer = Omit<AnswerDocument, 'expiresAt'>

/** What was answered under an idempotency key before. */
export type FormerAnswer =
  | { readonly type: 'commit'; readonly commit: CommitDocument }
  | { readonly type: 'answer'; readonly answer: AnswerDocument }

export type AppendOutcome =
  | { readonly type: 'appended' }
  | { readonly type: 'key-used'; readonly former: FormerAnswer }
  | { readonly type: 'version-taken' }

export type AnswerScope = IdempotencyKey & { readonly tenant: string }

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

/** Answers without events are kept this long; commits, and their keys, for ever. */
const ANSWER_LIFE_MS = 48 * 3_600_000

const toStoredEvents = (commit: CommitDocument): StoredEvent[] =>
  commit.events.map((event, index) => ({
    id: event.id,
    type: event.type,
    version: commit.first + index,
    occurredAt: event.occurredAt,
    bytes: Buffer.from(event.bytes.buffer),
  }))

const toDocument = (commit: NewCommit): CommitDocument => ({
  ...commit,
  last: commit.first + commit.events.length - 1,
  events: commit.events.map((event) => ({ ...event, bytes: new Binary(event.bytes) })),
  committedAt: new Date(),
  pending: true,
})

const streamFilter = ({ tenant, stream }: StreamId) => ({ tenant, stream, first: { $gt: 0 } })
const nameOf = ({ tenant, stream }: StreamId): string => `${tenant}/${stream}`

const toLoaded = (commits: readonly CommitDocument[]): LoadedStream => {
  const last = commits.at(-1)
  return {
    version: last?.last ?? 0,
    order: last?.order ?? 0,
    lastCommitId: last?._id,
    events: commits.flatMap(toStoredEvents),
  }
}

/** Two round trips under way keep the server busy; more would only make the groups smaller. */
const TOGETHER = { maxItems: 256, maxRuns: 2 }

export const mongoEventStore = (connection: MongoConnection): EventStore => {
  const { commits, answers } = collectionsOf(connection.db)

  const loadIn = async (id: StreamId, session: Transaction): Promise<LoadedStream> =>
    toLoaded(await commits.find(streamFilter(id), { session }).sort({ first: 1 }).toArray())

  const loadTogether = async (ids: readonly StreamId[]): Promise<LoadedStream[]> => {
    const [only] = ids
    const filter = ids.length === 1 && only ? streamFilter(only) : { $or: ids.map(streamFilter) }
    const found = await commits.find(filter).sort({ tenant: 1, stream: 1, first: 1 }).toArray()
    const byStream = Map.groupBy(found, nameOf)
    return ids.map((id) => toLoaded(byStream.get(nameOf(id)) ?? []))
  }

  const findFormer = async (
    scope: AnswerScope,
    session?: ClientSession,
  ): Promise<FormerAnswer | undefined> => {
    const found = await answers.findOne(
      {
        tenant: scope.tenant,
        'idempotency.principal': scope.principal,
        'idempotency.route': scope.route,
        'idempotency.key': scope.key,
      },
      session ? { session } : {},
    )
    if (!found) return undefined
    if ('answer' in found) return { type: 'answer', answer: found }
    return { type: 'commit', commit: found as unknown as CommitDocument }
  }

  const appendTogether = (wanted: readonly NewCommit[]): Promise<AppendOutcome[]> =>
    connection.client.withSession({ causalConsistency: true }, async (session) => {
      const inserted = await insertCommits(commits, wanted.map(toDocument), session)
      const outcomes: AppendOutcome[] = []
      for (const [index, commit] of wanted.entries()) {
        outcomes.push(inserted[index] ? { type: 'appended' } : await whyNot(commit, session))
      }
      return outcomes
    })

  const whyNot = async (commit: NewCommit, session: ClientSession): Promise<AppendOutcome> => {
    const former = await findFormer({ tenant: commit.tenant, ...commit.idempotency }, session)
    return former ? { type: 'key-used', former } : { type: 'version-taken' }
  }

  const load = coalesce({ ...TOGETHER, run: loadTogether })
  const append = coalesce({ ...TOGETHER, run: appendTogether })

  const keepIn = async (
    stream: StreamId,
    decide: DecideAnswer,
    session: ClientSession,
  ): Promise<KeepOutcome> => {
    let attempted: NewAnswer | undefined
    try {
      return await inTransaction(session, async () => {
        attempted = await decide(await loadIn(stream, session))
        if (!attempted) return { type: 'changed' }
        const expiresAt = new Date(Date.now() + ANSWER_LIFE_MS)
        await answers.insertOne({ ...attempted, expiresAt }, { session })
        return { type: 'kept', answer: attempted }
      })
    } catch (error) {
      if (!isDuplicateKey(error) || !attempted) throw error
      const former = await findFormer({ tenant: attempted.tenant, ...attempted.idempotency }, session)
      if (former) return { type: 'key-used', former }
      throw error
    }
  }

  return {
    load: (id) => translating(() => load(id)),
    append: (commit) => translating(() => append(commit)),
    findFormer: (scope) => translating(() => findFormer(scope)),
    keepAnswer: (stream, decide) =>
      translating(() =>
        connection.client.withSession({ causalConsistency: true }, (session) =>
          keepIn(stream, decide, session),
        ),
      ),
  }
}
