// One lane = one projection on one partition. Opening it claims the checkpoint under a new epoch; after that every
// batch is: read, drop what was seen, one find, fold in memory, one transaction of documents and checkpoint.
// After any failure the lane no longer knows whether its last transaction landed, so it reads the checkpoint
// before the next try: an epoch that is not its own means fenced, an offset further on means it had landed.

import type { AnyProjection, Document } from '@millrace/domain'
import { DecodeError, type Codec } from '@millrace/events'
import type { KafkaRecord, LaneOutcome, LaneSession, LaneSource, TopicPartition } from '@millrace/kafka'
import type { Checkpoint, CheckpointId, ProjectionStore } from '@millrace/mongo'
import { messageOf, type Logger } from '@millrace/runtime'
import { ImpossibleEventError } from '@millrace/domain'
import { documentIdOf, foldBatch } from './fold-batch.ts'
import { readBatch, type Batch } from './read-batch.ts'

export type LaneDeps = {
  readonly projection: AnyProjection
  readonly store: ProjectionStore
  readonly codec: Codec
  readonly incarnationOf: (topic: string) => Promise<number>
  readonly owner: string
  readonly logger: Logger
  readonly onApplied: (batch: { events: number; writes: number; duplicates: number }) => void
}

/** Name of the projection's data: collection, checkpoints and consumer group carry it. */
export const versionedName = ({ name, version }: AnyProjection): string => `${name}.${version}`

const isPoison = (error: unknown): error is Error =>
  error instanceof DecodeError || error instanceof ImpossibleEventError

export const projectionLanes = (deps: LaneDeps): LaneSource => ({
  open: async (partition) => openLane(deps, partition),
})

const openLane = async (deps: LaneDeps, { topic, partition }: TopicPartition): Promise<LaneSession> => {
  const { projection, store, codec } = deps
  const id: CheckpointId = { projection: versionedName(projection), topic, partition }
  let checkpoint = await store.claim(id, { owner: deps.owner, incarnation: await deps.incarnationOf(topic) })
  let isCertain = true

  /** False when somebody else has claimed the partition meanwhile. */
  const findOutWhereWeAre = async (): Promise<boolean> => {
    const stored = await store.read(id)
    if (stored?.epoch !== checkpoint.epoch) return false
    checkpoint = stored
    isCertain = true
    return true
  }

  const commit = async (batch: Extract<Batch, { type: 'batch' }>): Promise<LaneOutcome> => {
    const ids = new Set(batch.events.map((event) => documentIdOf(projection, event)))
    // What the store holds was written by this very projection version.
    const stored = (await store.find(id.projection, [...ids])) as Map<string, Document>
    const writes = foldBatch(projection, batch.events, stored)
    const outcome = await store.commit(id, { from: checkpoint, to: batch.to, writes })
    if (outcome === 'fenced') return { type: 'fenced' }
    checkpoint = { ...checkpoint, ...batch.to }
    deps.onApplied({ events: batch.events.length, writes: writes.length, duplicates: batch.duplicates })
    return appliedUpTo(checkpoint)
  }

  const applyOnce = async (records: readonly KafkaRecord[]): Promise<LaneOutcome> => {
    const batch = await readBatch(codec, checkpoint, records)
    if (batch.type === 'gap') {
      const { expected, found, offset } = batch
      return { type: 'stopped', reason: `sequence ${expected} is missing: offset ${offset} has ${found}` }
    }
    return commit(batch)
  }

  const apply = async (records: readonly KafkaRecord[]): Promise<LaneOutcome> => {
    if (!isCertain && !(await findOutWhereWeAre())) return { type: 'fenced' }
    try {
      return await applyOnce(records)
    } catch (error) {
      isCertain = false
      if (isPoison(error)) return { type: 'stopped', reason: messageOf(error) }
      throw error
    }
  }

  return {
    get nextOffset() {
      return BigInt(checkpoint.nextOffset)
    },
    apply,
    close: async () => undefined,
  }
}

const appliedUpTo = (checkpoint: Checkpoint): LaneOutcome => ({
  type: 'applied',
  nextOffset: BigInt(checkpoint.nextOffset),
})
