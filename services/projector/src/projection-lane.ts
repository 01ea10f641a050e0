// One lane = one projection on one partition. Opening it claims the checkpoint under a new epoch; after that every
// batch is: read, drop what was seen, one find, fold in memory, one transaction of documents and checkpoint.
//
// After any failure the lane no longer knows whether its last transaction landed, so it reads the checkpoint
// before the next try, and before it believes that an event cannot be: an epoch that is not its own means fenced,
// another offset means that the transaction had landed after all.
//
// A missing sequence may still come: a topic that was filled anew may begin with a batch of the time before. So the
// lane searches up to where the partition ended when it missed it, applying nothing, and stops only then.

import type { Codec } from '@millrace/events'
import type { KafkaRecord, LaneOutcome, LaneSession, LaneSource } from '@millrace/kafka'
import type { Checkpoint, CheckpointId, ProjectionStore } from '@millrace/mongo'
import { messageOf, type Logger } from '@millrace/runtime'
import { ImpossibleEventError, versionedName, type AnyProjection, type Document } from '@millrace/domain'
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

/** A lane at work. Only its own functions below change it, and they never run at the same time. */
type Lane = {
  readonly deps: LaneDeps
  readonly id: CheckpointId
  checkpoint: Checkpoint
  /** False after a failure: the last transaction may have landed or not. */
  isCertain: boolean
  search: { readonly gap: Gap; readonly end: bigint } | undefined
}

type Gap = Extract<Batch, { type: 'gap' }>

export const projectionLanes = (deps: LaneDeps): LaneSource => ({
  open: async ({ topic, partition }) => {
    const { projection, store, owner } = deps
    const id: CheckpointId = { projection: versionedName(projection), topic, partition }
    const checkpoint = await store.claim(id, { owner, incarnation: await deps.incarnationOf(topic) })
    const lane: Lane = { deps, id, checkpoint, isCertain: true, search: undefined }
    return {
      get nextOffset() {
        return BigInt(lane.checkpoint.nextOffset)
      },
      apply: (records) => apply(lane, records),
      close: async () => undefined,
    } satisfies LaneSession
  },
})

const apply = async (lane: Lane, records: readonly KafkaRecord[]): Promise<LaneOutcome> => {
  if (!lane.isCertain && (await findOutWhereWeAre(lane)) === 'fenced') return { type: 'fenced' }
  try {
    return await applyOnce(lane, records)
  } catch (error) {
    lane.isCertain = false
    if (!(error instanceof ImpossibleEventError)) throw error
    const where = await findOutWhereWeAre(lane)
    if (where === 'moved') throw error
    return where === 'fenced' ? { type: 'fenced' } : { type: 'stopped', reason: messageOf(error) }
  }
}

/** What the store says of us: still ours and as we believe, moved by our own late transaction, or lost. */
const findOutWhereWeAre = async (lane: Lane): Promise<'here' | 'moved' | 'fenced'> => {
  const believed = lane.checkpoint
  const stored = await lane.deps.store.read(lane.id)
  if (stored?.epoch !== believed.epoch) return 'fenced'
  lane.checkpoint = stored
  lane.isCertain = true
  const isAsBelieved =
    stored.nextOffset === believed.nextOffset && stored.lastSequence === believed.lastSequence
  return isAsBelieved ? 'here' : 'moved'
}

const applyOnce = async (lane: Lane, records: readonly KafkaRecord[]): Promise<LaneOutcome> => {
  if (lane.search) return goOnSearching(lane, lane.search, records)
  const batch = await readBatch(lane.deps.codec, lane.checkpoint, records)
  switch (batch.type) {
    case 'batch':
      return commit(lane, batch)
    case 'gap': {
      lane.search = { gap: batch, end: await lane.deps.endOffsetOf(lane.id.topic, lane.id.partition) }
      return goOnSearching(lane, lane.search, records)
    }
    case 'poison':
      return { type: 'stopped', reason: batch.reason }
  }
}

const goOnSearching = async (
  lane: Lane,
  { gap, end }: { gap: Gap; end: bigint },
  records: readonly KafkaRecord[],
): Promise<LaneOutcome> => {
  const found = recordsFrom(records, gap.expected)
  if (found.length > 0) {
    lane.search = undefined
    return applyOnce(lane, found)
  }
  const next = (records.at(-1)?.offset ?? 0n) + 1n
  return next < end ? appliedUpTo(next) : { type: 'stopped', reason: gap.reason }
}

const commit = async (lane: Lane, batch: Extract<Batch, { type: 'batch' }>): Promise<LaneOutcome> => {
  const { id, checkpoint } = lane
  const { projection, store, onApplied } = lane.deps
  const keys = new Map(
    batch.events.map((event) => {
      const key = { tenant: event.tenant, id: documentIdOf(projection, event) }
      return [key.id, key]
    }),
  )
  // What the store holds was written by this very projection version.
  const stored = (await store.find(id.projection, [...keys.values()])) as Map<string, Document>
  const writes = foldBatch(projection, batch.events, stored)
  const outcome = await store.commit(id, { from: checkpoint, to: batch.to, writes })
  if (outcome === 'fenced') return { type: 'fenced' }
  lane.checkpoint = { ...checkpoint, ...batch.to }
  onApplied({ events: batch.events.length, writes: writes.length, duplicates: batch.duplicates })
  return appliedUpTo(BigInt(batch.to.nextOffset))
}

const appliedUpTo = (nextOffset: bigint): LaneOutcome => ({ type: 'applied', nextOffset })
