// Commits and the answers to commands that made none live in one collection. Two unique indexes carry the
// promises: (tenant, stream, first version) lets one of two concurrent decisions win, and (tenant, principal,
// route, key) lets one of two equal requests win, whichever replica they reached. What follows a duplicate-key
// error (append-commits.ts) is causally after the failed write, so it sees what the write collided with.
//
// Loads and inserts of concurrent commands travel together (coalesce.ts): a round trip and a majority wait are paid
// once for all that were waiting. Each still stands or falls by itself.

import { Binary, type ClientSession } from 'mongodb'
import { appendCommits, type AppendOutcome } from './append-commits.ts'
import { appendHeld, appendInline, type InlineCommit } from './append-inline.ts'
import { coalesce } from './coalesce.ts'
import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf, type Collections } from './collections.ts'
import type { AnswerDocument, CommitDocument } from './documents.ts'
import { eq } from './filters.ts'
import { findFormer, scopeOf, type AnswerScope, type FormerAnswer } from './former-answers.ts'
import { changeDocuments, readDocuments, type InlineChange } from './inline-documents.ts'
import {
  loadStreams,
  type LoadedStream,
  type StoredEvent,
  type StreamId,
  type StreamTail,
} from './load-streams.ts'
import { isDuplicateKey, translating } from './mongo-error.ts'
import { publishedBytes } from './published-bytes.ts'
import { ofTenant, ofTenants } from './tenant-data.ts'
import { inTransaction } from './transaction.ts'

export type NewCommit = Omit<
  CommitDocument,
  'events' | 'committedAt' | 'pending' | 'publication' | 'first' | 'last'
> & {
  readonly first: number
  readonly events: readonly Omit<StoredEvent, 'version'>[]
}

export type NewAnswer = Omit<AnswerDocument, 'expiresAt'>

/** What a kept answer is decided on, all of one snapshot. */
export type Sight = {
  readonly tail: LoadedStream
  /** Why one of the inline read models refuses the changes; undefined when none does. */
  refusalOf(inline: readonly InlineChange[]): Promise<string | undefined>
}

type DecideAnswer = (sight: Sight) => Promise<NewAnswer | undefined>

export type KeepOutcome =
  | { readonly type: 'kept'; readonly answer: NewAnswer }
  | { readonly type: 'key-used'; readonly former: FormerAnswer }
  | { readonly type: 'changed' }

export type EventStore = {
  /** What lies behind a version, in bounded pages. */
  load(tail: StreamTail): Promise<LoadedStream>
  /** `inline`: documents that change together with the commit, or refuse it. */
  append(commit: NewCommit, inline?: readonly InlineChange[]): Promise<AppendOutcome>
  findFormer(scope: AnswerScope): Promise<FormerAnswer | undefined>
  /** Whether no commit lies behind this version, which is the end of one: true while the question was asked. */
  isLastVersion(stream: StreamId, version: number): Promise<boolean>
  /**
   * Decides on the stream and keeps the answer in one majority transaction, so that a "no" is a true no.
   * `decide` may answer undefined: then nothing is kept, because the stream has changed and a yes is due.
   */
  keepAnswer(tail: StreamTail, decide: DecideAnswer): Promise<KeepOutcome>
}

/**
 * One call under way: what comes meanwhile makes the next group, and the larger the groups, the less each commit costs
 * the server (a third of a lone insert at 12, a fifth at 32). Two transactions would besides meet in the same documents.
 */
const TOGETHER = { maxItems: 256, maxRuns: 1, maxWaiting: 2_048 }

/** Reads wait for no disk: two under way keep the server busy. What they bring is bounded by load-streams.ts. */
const READ_TOGETHER = { ...TOGETHER, maxRuns: 2 }

const MIB = 1024 * 1024

/**
 * Commits are mostly a few KiB and may be 900: 256 of those would be a transaction of 230 MB. 8 MiB, with what inline
 * read models add, stay in one entry of the server's oplog (16 MB); and eight such groups wait, as of items do.
 */
const writeWeight = <Item>(bytesOf: (item: Item) => number) => ({
  bytesOf,
  maxBytes: 8 * MIB,
  maxWaitingBytes: 64 * MIB,
})

const bytesOf = ({ events }: CommitDocument): number =>
  events.reduce((sum, event) => sum + publishedBytes({ ...event, bytes: event.bytes.buffer }), 0)

export const mongoEventStore = (connection: MongoConnection): EventStore => {
  const collections = collectionsOf(connection)
  const { commits, answers } = collections
  const { inCausalSession } = connection
  const load = coalesce({
    ...READ_TOGETHER,
    run: (tails: readonly StreamTail[]) =>
      inCausalSession((session) => loadStreams({ commits, session }, tails)),
  })
  const append = coalesce({
    ...TOGETHER,
    weight: writeWeight(bytesOf),
    run: (wanted: readonly CommitDocument[]) =>
      inCausalSession((session) => appendCommits(collections, wanted, session)),
  })
  const appendWithDocuments = coalesce({
    ...TOGETHER,
    weight: writeWeight(({ commit }: InlineCommit) => bytesOf(commit)),
    run: (wanted: readonly InlineCommit[]) =>
      inCausalSession((session) => appendInline({ collections, session }, wanted)),
  })
  return {
    load: (tail) => translating(() => load(tail)),
    append: (commit, inline = []) =>
      translating(async () => {
        if (inline.length === 0) return append(toDocument(commit))
        const wanted = { commit: toDocument(commit), inline }
        const together = await appendWithDocuments(wanted)
        const outcome =
          together.type === 'held'
            ? await inCausalSession((session) => appendHeld({ collections, session }, wanted))
            : together
        if (outcome.type === 'failed') throw outcome.error
        return outcome
      }),
    findFormer: (scope) =>
      translating(() => inCausalSession((session) => findFormer(answers, scope, session))),
    isLastVersion: (stream, version) =>
      translating(async () => (await findCommitAt(commits, stream, version + 1)) === null),
    keepAnswer: (tail, decide) =>
      translating(() => inCausalSession((session) => keepAnswer({ collections, session }, tail, decide))),
  }
}

const toDocument = (commit: NewCommit): CommitDocument => ({
  ...commit,
  last: commit.first + commit.events.length - 1,
  events: commit.events.map((event) => ({ ...event, bytes: new Binary(event.bytes) })),
  committedAt: new Date(),
  pending: true,
})

/** Answers without events are kept this long; commits, and their keys, for ever. */
const ANSWER_LIFE_MS = 48 * 3_600_000

/**
 * A majority read may be older than what another client was told: a primary that lost its office does not know it yet,
 * and a new one's majority is still that of before. A linearizable read hears from a majority first. It promises that
 * for one document, named by a unique index; and without a session, since it takes no `afterClusterTime`.
 */
const LINEARIZABLE = { readConcern: { level: 'linearizable' }, maxTimeMS: 5_000 } as const

const findCommitAt = (commits: Collections['commits'], { tenant, stream }: StreamId, first: number) =>
  ofTenant(commits, tenant).findOne<Pick<CommitDocument, '_id'>>(
    { stream: eq(stream), first: eq(first) },
    { ...LINEARIZABLE, projection: { _id: 1 } },
  )

type At = { readonly collections: Collections; readonly session: ClientSession }

const keepAnswer = async (at: At, tail: StreamTail, decide: DecideAnswer): Promise<KeepOutcome> => {
  const { collections, session } = at
  let attempted: NewAnswer | undefined
  try {
    return await inTransaction(session, async () => {
      attempted = await decide(await sightOf(at, tail))
      if (!attempted) return { type: 'changed' }
      const expiresAt = new Date(Date.now() + ANSWER_LIFE_MS)
      await ofTenants(collections.answers).insertOne({ ...attempted, expiresAt }, { session })
      return { type: 'kept', answer: attempted }
    })
  } catch (error) {
    if (!isDuplicateKey(error) || !attempted) throw error
    const former = await findFormer(collections.answers, scopeOf(attempted), session)
    // An answer that expired meanwhile leaves nothing behind.
    return former ? { type: 'key-used', former } : { type: 'changed' }
  }
}

const sightOf = async ({ collections, session }: At, wanted: StreamTail): Promise<Sight> => {
  const [tail] = await loadStreams({ commits: collections.commits, session }, [wanted])
  if (!tail) throw new Error('a load answers for every stream')
  return {
    tail,
    refusalOf: async (inline) => {
      const documents = await readDocuments({ collections, session }, [{ tenant: wanted.tenant, inline }])
      return changeDocuments(documents, inline)?.reason
    },
  }
}
