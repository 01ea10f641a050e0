// An inline read model changes with the commits, so one that comes to a store with commits has to be built first, from
// all of them. Nobody may commit meanwhile (presences.ts). There is no checkpoint: a build that was cut off is not
// recorded, and the next one drops what it left and begins anew.
//
// Commits come by `order`, which rises in each stream (ADR 4). Between streams it is as good as the replicas' clocks:
// live, too, what one document gets from two streams comes in the order of the faster client.

import type { ClientSession } from 'mongodb'
import { messageOf, PlatformError } from '@millrace/runtime'
import { commitsToFold, readModelToDrop } from './across-tenants.ts'
import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf, type Collections } from './collections.ts'
import type { CommitDocument } from './documents.ts'
import { ensureReadModelIndexes, type ReadModelIndex } from './indexes.ts'
import { changeDocuments, readDocuments, writeDocuments, type InlineChange } from './inline-documents.ts'
import { toStoredEvents, type StoredEvent } from './load-streams.ts'
import { translating } from './mongo-error.ts'
import { confirmIn, type Presence } from './presences.ts'
import { inTransaction } from './transaction.ts'

export type StoredCommit = Pick<
  CommitDocument,
  'tenant' | 'stream' | 'key' | 'topic' | 'correlationId' | 'causationId' | 'actor'
> & { readonly events: readonly StoredEvent[] }

export type InlineBuild = {
  readonly models: readonly { readonly projection: string; readonly indexes: readonly ReadModelIndex[] }[]
  /** Those whose commits are folded. */
  readonly topics: readonly string[]
  /** Asked before each batch, with its commits. */
  readonly prepare: (commits: readonly StoredCommit[]) => Promise<void>
  /** May throw; no change may refuse. */
  readonly changesOf: (commit: StoredCommit) => readonly InlineChange[]
  readonly onFolded?: (progress: { readonly folded: number; readonly total: number }) => void
}

export type InlineReadModels = {
  /** Names and versions, sorted. */
  listBuilt(): Promise<string[]>
  /** Drops the documents of the models and folds all commits into them; gives how many. */
  build(build: InlineBuild): Promise<number>
  /** From now on these are built and no others, in one transaction that a builder who was taken to be gone loses. */
  record(names: readonly string[], builder: Presence): Promise<void>
}

/** Of commits, in one round: bounded in memory, and few enough round trips. */
const BATCH = { commits: 1_000, bytes: 8 * 1024 * 1024 }

export const inlineReadModels = (connection: MongoConnection): InlineReadModels => {
  const collections = collectionsOf(connection)
  const inSession = <T>(work: (session: ClientSession) => Promise<T>): Promise<T> =>
    translating(() => connection.inCausalSession(work))
  return {
    listBuilt: () =>
      inSession(async (session) => {
        const found = await collections.inlineReadModels.find({}, { session }).sort({ _id: 1 }).toArray()
        return found.map(({ _id }) => _id)
      }),
    build: async (build) => {
      for (const { projection, indexes } of build.models) {
        await translating(() => readModelToDrop(collections, projection).drop())
        await ensureReadModelIndexes(connection, { projection, indexes })
      }
      return inSession((session) => foldAll({ collections, session }, build))
    },
    record: (names, builder) =>
      inSession((session) =>
        inTransaction(session, async () => {
          await confirmIn(collections.presences, builder.id, session)
          await recordBuilt(collections, session, names)
        }),
      ),
  }
}

const recordBuilt = async (
  { inlineReadModels: built }: Collections,
  session: ClientSession,
  names: readonly string[],
): Promise<void> => {
  await built.deleteMany({ _id: { $nin: [...names] } }, { session })
  for (const name of names) {
    const once = { $setOnInsert: { builtAt: new Date() } }
    await built.updateOne({ _id: name }, once, { session, upsert: true })
  }
}

type At = { readonly collections: Collections; readonly session: ClientSession }

const foldAll = async (at: At, build: InlineBuild): Promise<number> => {
  const filter = { topic: { $in: [...build.topics] } }
  const commits = commitsToFold(at.collections)
  const total = await commits.countDocuments(filter, { session: at.session })
  const cursor = commits.find(filter, { session: at.session, allowDiskUse: true }).sort({ order: 1, _id: 1 })
  let folded = 0
  for await (const batch of inBatches(cursor)) {
    await foldBatch(at, build, batch)
    folded += batch.length
    build.onFolded?.({ folded, total })
  }
  return folded
}

async function* inBatches(commits: AsyncIterable<CommitDocument>): AsyncGenerator<CommitDocument[], void> {
  let batch: CommitDocument[] = []
  let bytes = 0
  for await (const commit of commits) {
    batch.push(commit)
    bytes += commit.events.reduce((sum, event) => sum + event.bytes.length(), 0)
    if (batch.length < BATCH.commits && bytes < BATCH.bytes) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

const foldBatch = async (at: At, build: InlineBuild, batch: readonly CommitDocument[]): Promise<void> => {
  const commits = batch.map((commit) => ({ ...commit, events: toStoredEvents(commit) }))
  await build.prepare(commits)
  const touching = commits.map((commit) => ({
    tenant: commit.tenant,
    inline: namingTheCommit(commit, () => build.changesOf(commit)),
    commit,
  }))
  const documents = await readDocuments(at, touching)
  for (const { commit, inline } of touching) namingTheCommit(commit, () => changeDocuments(documents, inline))
  await writeDocuments(at, documents)
}

const namingTheCommit = <T>({ _id, stream }: { _id: string; stream: string }, work: () => T): T => {
  try {
    return work()
  } catch (cause) {
    const message = `commit ${_id} of ${stream} cannot be folded: ${messageOf(cause)}`
    throw new PlatformError({ code: 'STORE_UNFOLDABLE', message, retryable: false, cause })
  }
}
