// One lane's hold on one partition of one projection. A claim raises the epoch in the checkpoint; from then on
// only a transaction that still finds that epoch, and the very offset it started from, can move the checkpoint,
// and the documents move with it or not at all. So whoever comes second, a zombie after a pause or our own
// retry of a commit whose result was lost, matches nothing and changes nothing.
//
// All transactions of a hold run in one session, whose id is in the checkpoint. A process that dies in the middle
// leaves its transaction open on the server, for a minute by default, and with it a lock on the checkpoint: so
// whoever claims next ends that session first.
//
// Documents are read outside the transaction: they change only together with the checkpoint, so if the commit
// still finds our checkpoint, nobody has touched them since. The read is causally after the claim or commit that
// made this checkpoint: without that, a new primary may show documents older than the checkpoint it matches.

import type { Binary, ClientSession } from 'mongodb'
import { PlatformError } from '@millrace/runtime'
import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf, type Collections } from './collections.ts'
import { withoutEngineMembers, type CheckpointDocument, type CheckpointId } from './documents.ts'
import { DocumentRefusedError, isDocumentRefusal, translating } from './mongo-error.ts'
import { insertLate, insertParked, readParkedKeys, type ParkedEvent } from './parked-events.ts'
import type { LateEvent } from './lane-documents.ts'
import { byTenantKey, type TenantKey, type TenantWrite } from './tenant-data.ts'
import { oneTransaction } from './transaction.ts'

export type Checkpoint = Omit<CheckpointDocument, '_id' | 'session'>

export type Progress = Pick<Checkpoint, 'nextOffset' | 'lastSequence' | 'lastId' | 'lastTs' | 'watermark'>

export type DocumentWrite = TenantWrite & { readonly sequence: number }

export type CommitBatch = {
  readonly from: Checkpoint
  readonly to: Progress
  readonly writes: readonly DocumentWrite[]
  readonly parked?: readonly ParkedEvent[]
  readonly late?: readonly LateEvent[]
}

export type ProjectionStore = {
  /** Takes the partition over: a new epoch; offset 0 when the topic was created anew since. */
  claim(id: CheckpointId, claim: { owner: string; incarnation: number }): Promise<Checkpoint>
  read(id: CheckpointId): Promise<Checkpoint | undefined>
  /** Documents by `_id`, without the engine's own members. */
  find(projection: string, keys: readonly TenantKey[]): Promise<Map<string, Record<string, unknown>>>
  /** Says in the checkpoint that the lane of this epoch has stopped, and why. */
  markStopped(id: CheckpointId, stop: { epoch: number; reason: string }): Promise<void>
  /** Message keys, as text, that have something parked in this lane. */
  parkedKeys(id: CheckpointId): Promise<Set<string>>
  /**
   * Documents, what is parked or late, and checkpoint in one transaction. `fenced` when the checkpoint is no longer as
   * `from` says. Throws DocumentRefusedError, with nothing written, when MongoDB will never take one of the documents.
   */
  commit(id: CheckpointId, batch: CommitBatch): Promise<'applied' | 'fenced'>
}

const withPlace =
  (_partition: number) =>
  ({ tenant, id, fields, sequence: _sequence }: DocumentWrite): TenantWrite => ({
    tenant,
    id,
    fields: fields && { ...fields, _partition, _sequence },
  })

const fenced = new PlatformError({ code: 'FENCED', message: 'the checkpoint has moved on', retryable: false })

const withoutId = (document: CheckpointDocument): Checkpoint => {
  const { _id: _id, session: _session, ...checkpoint } = document
  return checkpoint
}

/** Members and their order are the identity of an embedded `_id`; a caller's object may have more, or another order. */
const exactly = ({ projection, topic, partition }: CheckpointId): CheckpointId => ({
  projection,
  topic,
  partition,
})

type Claim = { readonly owner: string; readonly incarnation: number }

const nameOf = ({ projection, topic, partition }: CheckpointId): string =>
  `${projection} ${topic} ${partition}`

export const mongoProjectionStore = (connection: MongoConnection): ProjectionStore => {
  const collections = collectionsOf(connection)
  const holds = new Map<string, ClientSession>()
  const inCausalSession = <T>(
    work: (session: ClientSession) => Promise<T>,
    own?: ClientSession,
  ): Promise<T> => translating(() => connection.inCausalSession(work, own))

  const newHold = async (id: CheckpointId): Promise<ClientSession> => {
    await holds.get(nameOf(id))?.endSession()
    const hold = connection.client.startSession({ causalConsistency: true })
    holds.set(nameOf(id), hold)
    return hold
  }

  return {
    claim: (id, by) =>
      inCausalSession(async (session) => {
        await endFormerHold(connection, { collections, session }, exactly(id))
        const hold = await newHold(id)
        return claim({ collections, session }, exactly(id), { ...by, session: hold.id?.id })
      }),
    ...lookups(collections, inCausalSession),
    commit: (id, batch) =>
      inCausalSession(
        async (session) => {
          try {
            const commit = () => commitBatch({ collections, session }, exactly(id), batch)
            // One document needs no transaction.
            await (isProgressOnly(batch) ? commit() : oneTransaction(session, commit))
            return 'applied'
          } catch (error) {
            if (error === fenced) return 'fenced'
            throw error
          }
        },
        holds.get(nameOf(id)),
      ),
  }
}

type InCausalSession = <T>(work: (session: ClientSession) => Promise<T>) => Promise<T>

const lookups = (
  collections: Collections,
  inCausalSession: InCausalSession,
): Pick<ProjectionStore, 'read' | 'find' | 'markStopped' | 'parkedKeys'> => ({
  read: (id) =>
    inCausalSession(async (session) => {
      const found = await collections.checkpoints.findOne({ _id: exactly(id) }, { session })
      return found ? withoutId(found) : undefined
    }),
  find: (projection, keys) =>
    inCausalSession(async (session) => {
      if (keys.length === 0) return new Map()
      const found = await byTenantKey(collections.readModel(projection)).find(keys, { session }).toArray()
      return new Map(found.map((document) => [document._id, withoutEngineMembers(document)]))
    }),
  markStopped: (id, { epoch, reason }) =>
    inCausalSession(async (session) => {
      const stopped = { reason, at: new Date() }
      await collections.checkpoints.updateOne({ _id: exactly(id), epoch }, { $set: { stopped } }, { session })
    }),
  parkedKeys: (id) => inCausalSession((session) => readParkedKeys({ collections, session }, exactly(id))),
})

type At = { readonly collections: Collections; readonly session: ClientSession }

/** Aborts a transaction that the former owner may have left open; its session is of no further use to it. */
const endFormerHold = async (connection: MongoConnection, at: At, id: CheckpointId): Promise<void> => {
  const former = await at.collections.checkpoints.findOne({ _id: id }, { session: at.session })
  if (former?.session) await connection.client.db('admin').command({ killSessions: [{ id: former.session }] })
}

const claim = async (
  { collections, session }: At,
  id: CheckpointId,
  by: Claim & { readonly session: Binary | undefined },
): Promise<Checkpoint> => {
  const isNewTopic = { $lt: [{ $ifNull: ['$incarnation', -1] }, by.incarnation] }
  const claimed = {
    owner: { $literal: by.owner },
    session: by.session,
    epoch: { $add: [{ $ifNull: ['$epoch', 0] }, 1] },
    nextOffset: { $cond: [isNewTopic, 0, '$nextOffset'] },
    lastSequence: { $ifNull: ['$lastSequence', 0] },
    lastId: { $ifNull: ['$lastId', null] },
    lastTs: { $ifNull: ['$lastTs', null] },
    watermark: { $ifNull: ['$watermark', null] },
    incarnation: { $max: ['$incarnation', by.incarnation] },
  }
  const change = [{ $set: claimed }, { $unset: 'stopped' }]
  const after = await collections.checkpoints.findOneAndUpdate({ _id: id }, change, {
    upsert: true,
    returnDocument: 'after',
    session,
  })
  if (after) return withoutId(after)
  throw new PlatformError({
    code: 'MONGO_FAILED',
    message: 'a claimed checkpoint is not there',
    retryable: true,
  })
}

const writeDocuments = async (
  { collections, session }: At,
  { projection, partition }: CheckpointId,
  writes: readonly DocumentWrite[],
): Promise<void> => {
  try {
    const documents = byTenantKey(collections.readModel(projection))
    await documents.write(writes.map(withPlace(partition)), { session })
  } catch (error) {
    throw isDocumentRefusal(error) ? new DocumentRefusedError(error) : error
  }
}

const isProgressOnly = ({ writes, parked = [], late = [] }: CommitBatch): boolean =>
  writes.length === 0 && parked.length === 0 && late.length === 0

const commitBatch = async (
  { collections, session }: At,
  id: CheckpointId,
  { from, to, writes, parked = [], late = [] }: CommitBatch,
): Promise<void> => {
  const { epoch, nextOffset, lastSequence, incarnation } = from
  const moved = await collections.checkpoints.updateOne(
    { _id: id, epoch, nextOffset, lastSequence, incarnation },
    { $set: to },
    { session },
  )
  if (moved.matchedCount === 0) throw fenced
  await insertParked({ collections, session }, { id, incarnation }, parked)
  await insertLate({ collections, session }, id, late)
  if (writes.length > 0) await writeDocuments({ collections, session }, id, writes)
}
