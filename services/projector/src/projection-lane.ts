// One lane = one projection on one partition. Opening it claims the checkpoint under a new epoch; after that every
// batch is: read, drop what was seen, one find, fold in memory, one transaction of documents, parked events and
// checkpoint.
//
// After any failure the lane no longer knows whether its last transaction landed, so it reads the checkpoint
// before the next try: an epoch that is not its own means fenced, another offset means that the transaction had
// landed after all. An event that its fold throws for is parked only in a transaction that still finds the checkpoint
// as it was when the documents were read: what a fold was given is then what it should have been given.
//
// When MongoDB will never take one of the documents, the batch is halved until the one record is found whose event
// makes it so; that one is parked.
//
// A missing sequence may still come: a topic that was filled anew may begin with a batch of the time before. So the
// lane searches up to where the partition ended when it missed it, applying nothing, and stops only then.

import { isTopicName, topics, type Codec, type TopicName } from '@millrace/events'
import type { KafkaRecord, LaneOutcome, LaneSession, LaneSource } from '@millrace/kafka'
import {
  DocumentRefusedError,
  parkingKeyOf,
  type Checkpoint,
  type CheckpointId,
  type PartitionKeys,
  type ProjectionStore,
} from '@millrace/mongo'
import type { Logger } from '@millrace/runtime'
import type { AnyProjection, Document } from '@millrace/domain'
import { foldBatch, parkAlone, placeEntries, type Folding, type PlacedEntry } from '@millrace/projections'
import { hasBegunAnew } from './begun-anew.ts'
import { dropAbsent, wasAwayTooLong } from './drop-absent.ts'
import { isNumbered, readBatch, recordsFrom, type Batch, type BatchReader } from './read-batch.ts'

export type LaneDeps = {
  readonly projection: AnyProjection
  /** Name of the data: collection and checkpoints carry it. */
  readonly build: string
  readonly store: ProjectionStore
  readonly codec: Codec
  readonly incarnationOf: (topic: string) => Promise<number>
  /** Where the partition ends right now. */
  readonly endOffsetOf: (topic: string, partition: number) => Promise<bigint>
  /** Message keys that a partition of a compacted topic has a value of; null when it has nothing from this offset on. */
  readonly knownKeysOf: (place: CompactedPlace) => Promise<ReadonlySet<string> | null>
  readonly storedKeys: PartitionKeys
  readonly owner: string
  readonly logger: Logger
  readonly onApplied: (batch: AppliedBatch) => void
}

export type CompactedPlace = {
  readonly topic: TopicName
  readonly partition: number
  readonly nextOffset: bigint
}

export type AppliedBatch = {
  readonly events: number
  readonly writes: number
  readonly duplicates: number
  readonly parked: number
  readonly late: number
}

/** A lane at work. Only its own functions below change it, and they never run at the same time. */
type Lane = {
  readonly deps: LaneDeps
  readonly id: CheckpointId
  parkedKeys: Set<string>
  checkpoint: Checkpoint
  /** False after a failure: the last transaction may have landed or not. */
  isCertain: boolean
  search: { readonly gap: Gap; readonly end: bigint } | undefined
}

type Gap = Extract<Batch, { type: 'gap' }>
type ReadBatch = Extract<Batch, { type: 'batch' }>

/** So many keys do not go wrong by themselves: it is the code, and to park the rest of the log would not help. */
export const MAX_PARKED_KEYS = 10_000

export const projectionLanes = (deps: LaneDeps): LaneSource => ({
  open: async ({ topic, partition }) => {
    const { build, store, owner } = deps
    const id: CheckpointId = { projection: build, topic, partition }
    const checkpoint = await store.claim(id, { owner, incarnation: await deps.incarnationOf(topic) })
    const parkedKeys = await store.parkedKeys(id)
    await forgetWhatIsGone({ deps, id, checkpoint })
    const lane: Lane = { deps, id, parkedKeys, checkpoint, isCertain: true, search: undefined }
    return {
      get nextOffset() {
        return BigInt(lane.checkpoint.nextOffset)
      },
      apply: (records) => apply(lane, records),
      close: async () => undefined,
    } satisfies LaneSession
  },
})

/** False when somebody else has claimed the partition meanwhile. */
const forgetWhatIsGone = async (lane: Pick<Lane, 'deps' | 'id' | 'checkpoint'>): Promise<boolean> => {
  const { deps, id, checkpoint } = lane
  const { store, storedKeys, logger } = deps
  const { topic, partition } = id
  const nextOffset = BigInt(checkpoint.nextOffset)
  if (!mayMissTombstones(lane) || !isTopicName(topic)) return true
  const known = await deps.knownKeysOf({ topic, partition, nextOffset })
  if (known === null) return true
  const dropped = await dropAbsent({ store, storedKeys, id, checkpoint }, known)
  if (dropped === 'fenced') return false
  logger.warn({ topic, partition, dropped }, 'away for longer than tombstones are kept: keys were compared')
  return true
}

const mayMissTombstones = ({ deps, id, checkpoint }: Pick<Lane, 'deps' | 'id' | 'checkpoint'>): boolean =>
  isTopicName(id.topic) &&
  topics[id.topic].retention.type === 'compact' &&
  deps.projection.kind === 'per-aggregate' &&
  wasAwayTooLong(checkpoint, Date.now())

const apply = async (lane: Lane, records: readonly KafkaRecord[]): Promise<LaneOutcome> => {
  if (!lane.isCertain && (await isToBeClaimedAgain(lane))) return { type: 'fenced' }
  if (!isNumbered(lane.id.topic) && (await hasBegunAnew(lane, records))) return { type: 'fenced' }
  try {
    return await applyOnce(lane, records)
  } catch (error) {
    lane.isCertain = false
    throw error
  }
}

/** Also one that has failed for so long that tombstones may be gone: keys are compared by whoever claims. */
const isToBeClaimedAgain = async (lane: Lane): Promise<boolean> =>
  !(await isStillOurs(lane)) || mayMissTombstones(lane)

/** Reads anew what our own late transaction may have moved. */
const isStillOurs = async (lane: Lane): Promise<boolean> => {
  const stored = await lane.deps.store.read(lane.id)
  if (stored?.epoch !== lane.checkpoint.epoch) return false
  lane.checkpoint = stored
  lane.parkedKeys = await lane.deps.store.parkedKeys(lane.id)
  lane.isCertain = true
  return true
}

const applyOnce = async (lane: Lane, records: readonly KafkaRecord[]): Promise<LaneOutcome> => {
  if (lane.parkedKeys.size > MAX_PARKED_KEYS)
    return stop(lane, `more than ${MAX_PARKED_KEYS} keys have parked events: is the projection's code right?`)
  if (lane.search) return goOnSearching(lane, lane.search, records)
  const batch = await readBatch(readerOf(lane), lane.checkpoint, records)
  switch (batch.type) {
    case 'batch':
      return commit(lane, batch, records)
    case 'gap': {
      lane.search = { gap: batch, end: await lane.deps.endOffsetOf(lane.id.topic, lane.id.partition) }
      return goOnSearching(lane, lane.search, records)
    }
    case 'broken':
      return stop(lane, batch.reason)
  }
}

const readerOf = ({ deps, parkedKeys }: Lane): BatchReader => ({
  codec: deps.codec,
  handles: (type) => deps.projection.events.some((handled) => handled === type),
  // As a rule nothing is parked, and then no key need be read.
  isParked: (record) => parkedKeys.size > 0 && parkedKeys.has(parkingKeyOf(record) ?? ''),
})

const stop = async (lane: Lane, reason: string): Promise<LaneOutcome> => {
  await lane.deps.store.markStopped(lane.id, { epoch: lane.checkpoint.epoch, reason })
  return { type: 'stopped', reason }
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
  return next < end ? appliedUpTo(next) : stop(lane, gap.reason)
}

const commit = async (
  lane: Lane,
  batch: ReadBatch,
  records: readonly KafkaRecord[],
): Promise<LaneOutcome> => {
  const { id } = lane
  const { projection, store } = lane.deps
  const entries = placeEntries(projection, id, batch.entries)
  // What the store holds was written by this very projection version.
  const stored = (await store.find(id.projection, documentsOf(entries))) as Map<string, Document>
  const folding = foldBatch({ projection, stored }, entries)
  try {
    return await write(lane, batch, folding)
  } catch (error) {
    if (!(error instanceof DocumentRefusedError)) throw error
    if (records.length > 1) return applyOnce(lane, records.slice(0, records.length >> 1))
    return write(lane, batch, parkAlone(entries, error))
  }
}

const documentsOf = (entries: readonly PlacedEntry[]): { tenant: string; id: string }[] => {
  const keys = new Map<string, { tenant: string; id: string }>()
  for (const entry of entries) {
    if (entry.type === 'tombstone') keys.set(entry.id, { tenant: entry.tenant, id: entry.id })
    if (entry.type !== 'event') continue
    for (const { id } of entry.places) keys.set(id, { tenant: entry.event.tenant, id })
  }
  return [...keys.values()]
}

const write = async (lane: Lane, batch: ReadBatch, folding: Folding): Promise<LaneOutcome> => {
  const { checkpoint } = lane
  const { to, entries, duplicates } = batch
  const outcome = await lane.deps.store.commit(lane.id, { from: checkpoint, to, ...folding })
  if (outcome === 'fenced') return { type: 'fenced' }
  lane.checkpoint = { ...checkpoint, ...to }
  const { writes, parked, late } = folding
  for (const event of parked) {
    const key = parkingKeyOf(event)
    if (key !== null) lane.parkedKeys.add(key)
  }
  lane.deps.onApplied({
    events: entries.length - parked.length,
    writes: writes.length,
    duplicates,
    parked: parked.length,
    late: late.length,
  })
  return appliedUpTo(BigInt(to.nextOffset))
}

const appliedUpTo = (nextOffset: bigint): LaneOutcome => ({ type: 'applied', nextOffset })
