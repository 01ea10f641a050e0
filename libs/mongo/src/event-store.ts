// Commits and the answers to commands that made none live in one collection. Two unique indexes carry the
// promises: (tenant, stream, first version) lets one of two concurrent decisions win, and (tenant, principal,
// route, key) lets one of two equal requests win, whichever replica they reached. After a duplicate-key error
// nobody guesses which index spoke: the key is looked up first, and if it is unused the version was taken.
// That look-up is causally after the failed write, so it sees what the write collided with.

import { Binary, type ClientSession } from 'mongodb'
import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf, type AnswerDocument, type CommitDocument, type IdempotencyKey } from './documents.ts'
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

export const mongoEventStore = (connection: MongoConnection): EventStore => {
  const { commits, answers } = collectionsOf(connection.db)

  const loadIn = async (id: StreamId, session?: Transaction): Promise<LoadedStream> => {
    const found = await commits
      .find({ tenant: id.tenant, stream: id.stream, first: { $gt: 0 } }, session ? { session } : {})
      .sort({ first: 1 })
      .toArray()
    const last = found.at(-1)
    return {
      version: last?.last ?? 0,
      order: last?.order ?? 0,
      lastCommitId: last?._id,
      events: found.flatMap(toStoredEvents),
    }
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

  const appendIn = async (commit: NewCommit, session: ClientSession): Promise<AppendOutcome> => {
    try {
      await commits.insertOne(toDocument(commit), { session })
      return { type: 'appended' }
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
      const former = await findFormer({ tenant: commit.tenant, ...commit.idempotency }, session)
      return former ? { type: 'key-used', former } : { type: 'version-taken' }
    }
  }

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
    load: (id) => translating(() => loadIn(id)),
    append: (commit) =>
      translating(() =>
        connection.client.withSession({ causalConsistency: true }, (session) => appendIn(commit, session)),
      ),
    findFormer: (scope) => translating(() => findFormer(scope)),
    keepAnswer: (stream, decide) =>
      translating(() =>
        connection.client.withSession({ causalConsistency: true }, (session) =>
          keepIn(stream, decide, session),
        ),
      ),
  }
}
