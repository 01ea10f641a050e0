// One lane = one projection on one partition. Opening it claims the checkpoint under a new epoch; after that every
// batch is: read, drop what was seen, one find, fold in memory, one transaction of documents and checkpoint.
//
// After any failure the lane no longer knows whether its last transaction landed, so it reads the checkpoint
// before the next try, and before it believes that an event cannot be: an epoch that is not its own means fenced,
// another offset means that the transaction had landed after all.
//
// A missing sequence may still come: a topic that was filled anew may begin with a batch of the time before. So the
// lane searches up to where the partition ended when it missed it, applying nothing, and stops only then.

import type { AnyProjection, Document } from '@millrace/domain'
import type { Codec } from '@millrace/events'
import type { KafkaRecord, LaneOutcome, LaneSession, LaneSource, TopicPartition } from '@millrace/kafka'
import type { CheckpointId, ProjectionStore } from '@millrace/mongo'
import { messageOf, type Logger } from '@millrace/runtime'
import { ImpossibleEventError } from '@millrace/domain'
import { documentIdOf, foldBatch } from './fold-batch.ts'
import { readBatch, recordsFrom, type Batch } from './read-batch.ts'

export type LaneDeps = {
  readonly projection: AnyProjection
  readonly store: ProjectionStore
  readonly codec: Codec
  readonly incarnationOf: (topic: string) => Promise<number>
  /** Where the partition ends right now. */
  readonly endOffsetOf: (topic: string, partition: number) => Promise<bigint>
  readonly owner: string
  readonly logger: Logger
  readonly onApplied: (batch: { events: number; writes: number; duplicates: number }) => void
}

/** Name of the projection's data: collection, checkpoints and consumer group carry it. */
export const versionedName = ({ name, version }: AnyProjection): string => `${name}.${version}`

export const projectionLanes = (deps: LaneDeps): LaneSource => ({
  open: async (partition) => openLane(deps, partition),
})

const openLane = async (deps: LaneDeps, { topic, partition }: TopicPartition): Promise<LaneSession> => {
  const { projection, store, codec } = deps
  const id: CheckpointId = { projection: versionedName(projection), topic, partition }
  let checkpoint = await store.claim(id, { owner: deps.owner, incarnation: await deps.incarnationOf(topic) })
  let isCertain = true
  let search: { readonly gap: Gap; readonly end: bigint } | undefined

  /** What the store says of us: still ours and as we believe, moved by our own late transaction, or lost. */
  const findOutWhereWeAre = async (): Promise<'here' | 'moved' | 'fenced'> => {
    const stored = await store.read(id)
    if (stored?.epoch !== checkpoint.epoch) return 'fenced'
    const hasMoved =
      stored.nextOffset !== checkpoint.nextOffset || stored.lastSequence !== checkpoint.lastSequence
    checkpoint = stored
    isCertain = true
    return hasMoved ? 'moved' : 'here'
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
    return appliedUpTo(BigInt(checkpoint.nextOffset))
  }

  const goOnSearching = async (gap: Gap, records: readonly KafkaRecord[]): Promise<LaneOutcome> => {
    search ??= { gap, end: await deps.endOffsetOf(topic, partition) }
    const found = recordsFrom(records, search.gap.expected)
    if (found.length > 0) {
      search = undefined
      return applyOnce(found)
    }
    const next = (records.at(-1)?.offset ?? 0n) + 1n
    return next < search.end ? appliedUpTo(next) : { type: 'stopped', reason: search.gap.reason }
  }

  const applyOnce = async (records: readonly KafkaRecord[]): Promise<LaneOutcome> => {
    if (search) return goOnSearching(search.gap, records)
    const batch = await readBatch(codec, checkpoint, records)
    switch (batch.type) {
      case 'batch':
        return commit(batch)
      case 'gap':
        return goOnSearching(batch, records)
      case 'poison':
        return { type: 'stopped', reason: batch.reason }
    }
  }

  const apply = async (records: readonly KafkaRecord[]): Promise<LaneOutcome> => {
    if (!isCertain && (await findOutWhereWeAre()) === 'fenced') return { type: 'fenced' }
    try {
      return await applyOnce(records)
    } catch (error) {
      isCertain = false
      if (!(error instanceof ImpossibleEventError)) throw error
      const where = await findOutWhereWeAre()
      if (where === 'moved') throw error
      return where === 'fenced' ? { type: 'fenced' } : { type: 'stopped', reason: messageOf(error) }
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

type Gap = Extract<Batch, { type: 'gap' }>

const appliedUpTo = (nextOffset: bigint): LaneOutcome => ({ type: 'applied', nextOffset })
