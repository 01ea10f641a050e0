// How the batches of lanes reach the database: documents, what is parked or late, and the checkpoint, in one transaction.
// It still has to find the checkpoint as the lane knows it, so whoever comes second, a zombie after a pause or our own
// retry of a commit whose result was lost, matches nothing and changes nothing.
//
// A transaction costs the database nearly the same for one event as for a hundred. So small batches that come while
// others are on their way go together, of whatever partitions and builds they are: under load there are fewer
// transactions, not more, and a lone batch goes at once. What is wrong with one of them, a fence or a document that
// MongoDB will not take, undoes all; then each goes by itself, and hears only of its own.

import type { AnyBulkWriteOperation, ClientSession } from 'mongodb'
import { PlatformError } from '@millrace/runtime'
import { BY_LANES, BY_LARGE_BATCHES, LARGE_BATCH } from './asked-together.ts'
import type { CausalSessions } from './causal-sessions.ts'
import { coalesce } from './coalesce.ts'
import type { Collections } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { CheckpointDocument, CheckpointId } from './documents.ts'
import type { LateEvent } from './lane-documents.ts'
import { exactly } from './lane-id.ts'
import {
  DocumentRefusedError,
  isDocumentRefusal,
  isTransientMongoError,
  isWriteConflict,
  translating,
} from './mongo-error.ts'
import { insertLate, insertParked, type ParkedEvent } from './parked-events.ts'
import { byTenantKey, type TenantWrite } from './tenant-data.ts'
import type { Outbox, OutboxMessage } from './outbox.ts'
import { oneTransaction } from './transaction.ts'

export type Checkpoint = Omit<CheckpointDocument, '_id'>

export type Progress = Pick<Checkpoint, 'nextOffset' | 'lastSequence' | 'lastId' | 'lastTs' | 'watermark'>

export type DocumentWrite = TenantWrite & { readonly sequence: number }

export type CommitBatch = {
  readonly from: Checkpoint
  readonly to: Progress
  readonly writes: readonly DocumentWrite[]
  readonly parked?: readonly ParkedEvent[]
  readonly late?: readonly LateEvent[]
  /** Go to Kafka exactly if the batch is committed. */
  readonly messages?: readonly OutboxMessage[]
}

export type LaneCommit = { readonly id: CheckpointId; readonly batch: CommitBatch }

/** `fenced` when the checkpoint is no longer as `from` says. */
export type CommitOutcome = 'applied' | 'fenced'

const fenced = new PlatformError({ code: 'FENCED', message: 'the checkpoint has moved on', retryable: false })

export const laneCommits = (
  connection: MongoConnection,
  collections: Collections,
  outbox?: Outbox,
): ((commit: LaneCommit) => Promise<CommitOutcome>) => {
  const inOwnSession = ownSessions(connection)
  const commitAll = (commits: readonly LaneCommit[]): Promise<CommitOutcome> =>
    inOwnSession(async (session) => {
      try {
        const write = () => writeAll({ collections, session, outbox }, commits)
        // One document needs no transaction.
        await (isOneDocument(commits) ? write() : oneTransaction(session, write))
        return 'applied'
      } catch (error) {
        if (error === fenced) return 'fenced'
        throw error
      }
    })
  const apart = (commits: readonly LaneCommit[]) =>
    Promise.allSettled(commits.map((commit) => commitAll([commit])))
  const alone = coalesce<LaneCommit, CommitOutcome>({
    ...BY_LARGE_BATCHES,
    run: async (commits) => [await commitAll(commits)],
  })
  const together = coalesce<LaneCommit, PromiseSettledResult<CommitOutcome>>({
    ...BY_LANES,
    run: async (commits) => {
      if (commits.length === 1) return apart(commits)
      try {
        const value = await commitAll(commits)
        return value === 'fenced' ? await apart(commits) : commits.map(() => ({ status: 'fulfilled', value }))
      } catch (error) {
        if (isOfOne(error)) return apart(commits)
        throw error
      }
    },
  })
  return (commit) =>
    translating(async () => {
      if (isLarge(commit)) return alone(commit)
      const settled = await together(commit)
      if (settled.status === 'rejected') throw settled.reason
      return settled.value
    })
}

/**
 * Sessions are used again and again. A transaction whose connection was lost stays open on the server, with its locks,
 * until something else is written in its session: so a session in which anything went wrong is the next to be used, by
 * whoever comes.
 */
const ownSessions = ({ client, inCausalSession }: MongoConnection): CausalSessions => {
  const suspect: ClientSession[] = []
  const idle: ClientSession[] = []
  return async (work) => {
    const session = suspect.shift() ?? idle.pop() ?? client.startSession({ causalConsistency: true })
    try {
      const result = await inCausalSession(work, session)
      idle.push(session)
      return result
    } catch (error) {
      suspect.push(session)
      throw error
    }
  }
}

const isLarge = ({ batch: { writes, parked = [], late = [] } }: LaneCommit): boolean =>
  writes.length >= LARGE_BATCH || parked.length > 0 || late.length > 0

const isOneDocument = ([first, ...others]: readonly LaneCommit[]): boolean => {
  if (!first || others.length > 0 || isLarge(first)) return false
  const { writes, messages = [] } = first.batch
  return writes.length === 0 && messages.length === 0
}

/** The others may go through without it; nothing was written in any case. An outage, or an unknown result, is of all. */
const isOfOne = (error: unknown): boolean => isWriteConflict(error) || !isTransientMongoError(error)

type At = {
  readonly collections: Collections
  readonly session: ClientSession
  readonly outbox?: Outbox | undefined
}

const writeAll = async (at: At, commits: readonly LaneCommit[]): Promise<void> => {
  await moveCheckpoints(at, commits)
  for (const { id, batch } of commits) {
    await insertParked(at, { id, incarnation: batch.from.incarnation }, batch.parked ?? [])
    await insertLate(at, id, batch.late ?? [])
    await publish(at, batch.messages ?? [])
  }
  for (const [projection, writes] of writesByBuild(commits)) await writeDocuments(at, projection, writes)
}

const publish = async ({ outbox, session }: At, messages: readonly OutboxMessage[]): Promise<void> => {
  if (messages.length === 0) return
  if (!outbox) throw new TypeError('this store was given no outbox for the messages of its lanes')
  await outbox.add(session, ...messages)
}

const moveCheckpoints = async ({ collections, session }: At, commits: readonly LaneCommit[]) => {
  const moves = commits.map(toMove)
  const { matchedCount } = await collections.checkpoints.bulkWrite(moves, { session, ordered: false })
  if (matchedCount < commits.length) throw fenced
}

const toMove = ({ id, batch: { from, to } }: LaneCommit): AnyBulkWriteOperation<CheckpointDocument> => {
  const { epoch, nextOffset, lastSequence, incarnation } = from
  const filter = { _id: exactly(id), epoch, nextOffset, lastSequence, incarnation }
  return { updateOne: { filter, update: { $set: to } } }
}

const writesByBuild = (commits: readonly LaneCommit[]): Map<string, TenantWrite[]> => {
  const builds = new Map<string, TenantWrite[]>()
  for (const { id, batch } of commits) {
    if (batch.writes.length === 0) continue
    const writes = builds.get(id.projection) ?? []
    builds.set(id.projection, writes)
    for (const write of batch.writes) writes.push(withPlace(id, write))
  }
  return builds
}

const withPlace = (
  { partition }: CheckpointId,
  { tenant, id, fields, sequence }: DocumentWrite,
): TenantWrite => ({
  tenant,
  id,
  fields: fields && { ...fields, _partition: partition, _sequence: sequence },
})

const writeDocuments = async (
  { collections, session }: At,
  projection: string,
  writes: readonly TenantWrite[],
): Promise<void> => {
  try {
    await byTenantKey(collections.readModel(projection)).write(writes, { session })
  } catch (error) {
    throw isDocumentRefusal(error) ? new DocumentRefusedError(error) : error
  }
}
