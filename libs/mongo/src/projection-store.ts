// One lane's hold on one partition of one projection. A claim raises the epoch in the checkpoint; from then on
// only a transaction that still finds that epoch, and the very offset it started from, can move the checkpoint,
// and the documents move with it or not at all: lane-commits.ts.
//
// A process that dies in the middle leaves its transaction open on the server, for a minute by default, and with it a
// lock on the checkpoint: so whoever claims next, and has to wait, ends what is abandoned.
//
// Documents are read outside the transaction: they change only together with the checkpoint, so if the commit
// still finds our checkpoint, nobody has touched them since. The read is causally after the claim or commit that
// made this checkpoint: without that, a new primary may show documents older than the checkpoint it matches.

import { MongoWriteConcernError, type ClientSession } from 'mongodb'
import { PlatformError } from '@millrace/runtime'
import type { MongoConnection } from './connect-mongo.ts'
import { BY_WAITERS } from './asked-together.ts'
import { coalesce } from './coalesce.ts'
import { collectionsOf, type Collections } from './collections.ts'
import { withoutEngineMembers, type CheckpointDocument, type CheckpointId } from './documents.ts'
import { endAbandoned } from './end-abandoned.ts'
import { laneCommits, type Checkpoint, type CommitBatch, type CommitOutcome } from './lane-commits.ts'
import { exactly, laneNameOf } from './lane-id.ts'
import { laneFinds, type FindDocuments } from './lane-finds.ts'
import { isOutOfTime, translating } from './mongo-error.ts'
import type { Outbox } from './outbox.ts'
import { readParkedKeys } from './parked-events.ts'
import { byTenantKey } from './tenant-data.ts'

export type ProjectionStore = {
  /** Takes the partition over: a new epoch; offset 0 when the topic was created anew since. */
  claim(id: CheckpointId, claim: Claim): Promise<Checkpoint>
  read(id: CheckpointId): Promise<Checkpoint | undefined>
  /** Documents by `_id`, without the engine's own members. */
  readonly find: FindDocuments
  /** Says in the checkpoint that the lane of this epoch has stopped, and why. */
  markStopped(id: CheckpointId, stop: { epoch: number; reason: string }): Promise<void>
  /** Message keys, as text, that have something parked in this lane. */
  parkedKeys(id: CheckpointId): Promise<Set<string>>
  /**
   * Documents, what is parked or late, and checkpoint in one transaction. `fenced` when the checkpoint is no longer as
   * `from` says. Throws DocumentRefusedError, with nothing written, when MongoDB will never take one of the documents.
   */
  commit(id: CheckpointId, batch: CommitBatch): Promise<CommitOutcome>
}

type Claim = { readonly owner: string; readonly incarnation: number }

/** A claim that waits longer than this looks whether it waits for the dead. */
const CLAIM_WAITS_MS = 500
/** Longer than it takes until a transaction counts as abandoned. The last try waits as long as it takes. */
const CLAIM_TRIES = 10

const withoutId = ({ _id, ...checkpoint }: CheckpointDocument): Checkpoint => checkpoint

/** `outbox` is for lanes whose batches have messages. */
export const mongoProjectionStore = (connection: MongoConnection, outbox?: Outbox): ProjectionStore => {
  const collections = collectionsOf(connection)
  const commit = laneCommits(connection, collections, outbox)
  return {
    ...lookups(collections, (work) => translating(() => connection.inCausalSession(work))),
    commit: (id, batch) => commit({ id, batch }),
  }
}

type InCausalSession = <T>(work: (session: ClientSession) => Promise<T>) => Promise<T>

const lookups = (
  collections: Collections,
  inCausalSession: InCausalSession,
): Omit<ProjectionStore, 'commit'> => ({
  claim: (id, by) => inCausalSession((session) => claimPatiently({ collections, session }, exactly(id), by)),
  read: coalesce({
    ...BY_WAITERS,
    run: (ids: readonly CheckpointId[]) =>
      inCausalSession((session) => readCheckpoints({ collections, session }, ids)),
  }),
  find: laneFinds((projection, keys) =>
    inCausalSession(async (session) => {
      const found = await byTenantKey(collections.readModel(projection)).find(keys, { session }).toArray()
      return new Map(found.map((document) => [document._id, withoutEngineMembers(document)]))
    }),
  ),
  markStopped: (id, { epoch, reason }) =>
    inCausalSession(async (session) => {
      const stopped = { reason, at: new Date() }
      await collections.checkpoints.updateOne({ _id: exactly(id), epoch }, { $set: { stopped } }, { session })
    }),
  parkedKeys: (id) => inCausalSession((session) => readParkedKeys({ collections, session }, exactly(id))),
})

const readCheckpoints = async (
  { collections, session }: At,
  ids: readonly CheckpointId[],
): Promise<(Checkpoint | undefined)[]> => {
  const wanted = new Map(ids.map((id) => [laneNameOf(id), exactly(id)]))
  const found = await collections.checkpoints
    .find({ _id: { $in: [...wanted.values()] } }, { session })
    .toArray()
  const checkpoints = new Map(found.map((one) => [laneNameOf(one._id), withoutId(one)]))
  return ids.map((id) => checkpoints.get(laneNameOf(id)))
}

type At = { readonly collections: Collections; readonly session: ClientSession }

const claimPatiently = async (at: At, id: CheckpointId, by: Claim): Promise<Checkpoint> => {
  for (let attempt = 1; attempt < CLAIM_TRIES; attempt += 1) {
    try {
      return await claim(at, id, { ...by, maxTimeMS: CLAIM_WAITS_MS })
    } catch (error) {
      // It has claimed, and only the majority is slow to say so: that is nobody's lock.
      if (error instanceof MongoWriteConcernError) break
      if (!isOutOfTime(error)) throw error
      // It only helps: where it is not allowed, the server ends them later.
      await endAbandoned(at.session).catch(() => undefined)
    }
  }
  return claim(at, id, by)
}

type PatientClaim = Claim & { readonly maxTimeMS?: number }

const claim = async (
  { collections, session }: At,
  id: CheckpointId,
  { maxTimeMS, ...by }: PatientClaim,
): Promise<Checkpoint> => {
  const isNewTopic = { $lt: [{ $ifNull: ['$incarnation', -1] }, by.incarnation] }
  const claimed = {
    owner: { $literal: by.owner },
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
    ...(maxTimeMS === undefined ? {} : { maxTimeMS }),
    session,
  })
  if (after) return withoutId(after)
  throw new PlatformError({
    code: 'MONGO_FAILED',
    message: 'a claimed checkpoint is not there',
    retryable: true,
  })
}
