// One lane = the snapshot of one partition of a table's compacted topic, in the same partition of the topic of snapshots.
//
//   records ──► newest of each key, in memory ──every so often, or when they are many──► a pass
//   a pass: begin (fences) ─► say how far it goes ─► values, and last of all the marker with that offset ─► say it is done
//
// How far a pass goes is said in MongoDB before anything of it is sent, under the epoch of the claim, and so is that it is
// done. Whoever takes over goes on behind the last one that is done, and begins none before it is as far as the last
// one that was begun: so it never writes a value that is older than what the one before it may have written. What was frozen
// in a pass meets the claim before it sends, and the fence of the producer when it was sending already.
//
// A reader takes the last marker of a partition, and of the source what comes from there on. What a pass wrote that was never
// completed is newer than its marker, and comes once more.

import type { AnyTable } from '@millrace/domain'
import { tombstonesTrustedMs, type Codec } from '@millrace/events'
import {
  messageBytes,
  type FencedProducer,
  type KafkaRecord,
  type LaneOutcome,
  type LaneSource,
  type OutgoingMessage,
  type PartitionRange,
  type TopicPartition,
} from '@millrace/kafka'
import type { Checkpoint, CheckpointId, ProjectionStore } from '@millrace/mongo'
import { countWithin, newId, PlatformError, type Logger } from '@millrace/runtime'
import pLimit from 'p-limit'
import { findAbsent, mayHaveMissedTombstones, type Records } from './find-absent.ts'
import { makePendingValues, type PendingValues } from './pending-values.ts'
import { isPassDue, planPass } from './plan-pass.ts'
import { toMarker, toMessages } from './snapshot-messages.ts'

export type SnapshotLaneDeps = {
  readonly table: AnyTable
  /** Name of the checkpoints. */
  readonly name: string
  /** One that encodes what the table's snapshots carry; while it cannot be had, no partition is claimed. */
  readonly codec: () => Promise<Codec>
  readonly checkpoints: Pick<ProjectionStore, 'claim' | 'read' | 'commit'>
  readonly incarnationOf: (topic: string) => Promise<number>
  readonly read: (range: PartitionRange) => Records
  readonly makeProducer: (at: TopicPartition) => FencedProducer
  readonly owner: string
  readonly everyMs: number
  /** Of what waits for a pass in one lane; then it begins at once. */
  readonly maxPendingBytes: number
  readonly onPass: (pass: CompletedPass) => void
  /** `sinceMs`: of the oldest change of the partition that is in no snapshot; undefined when there is none. */
  readonly onPending: (partition: number, sinceMs: number | undefined) => void
  readonly logger: Logger
}

export type CompletedPass = { readonly values: number; readonly unreadable: number }

/** A place in the books: what was claimed, and how it stands. */
type Claimed = { readonly id: CheckpointId; checkpoint: Checkpoint }

/** Only its own functions below change it, one after the other. */
type Lane = {
  readonly deps: SnapshotLaneDeps
  readonly partition: number
  readonly codec: Codec
  readonly done: Claimed
  readonly begun: Claimed
  readonly pending: PendingValues
  readonly absent: Set<string>
  producer: FencedProducer | undefined
  /** All of the source before it is in `pending`, or in the last pass. */
  nextOffset: number
  lastTs: number | null
  lastPassMs: number
  isFenced: boolean
}

/** Kafka refuses a batch above 1 MiB as a whole. */
const MAX_SEND_BYTES = 900 * 1024
/** Several times before a reader may not begin with the last one any more. */
const AT_LEAST_EVERY_MS = tombstonesTrustedMs / 4

export const snapshotLanes = (deps: SnapshotLaneDeps): LaneSource => ({
  open: async ({ partition }) => {
    const lane = await claim(deps, partition)
    const oneAtATime = pLimit(1)
    const tick = (): void => {
      // One that takes longer than the time between two is not followed by all that came meanwhile.
      if (oneAtATime.pendingCount === 0) void oneAtATime(() => passIfDue(lane))
    }
    const timer = setInterval(tick, deps.everyMs)
    return {
      get nextOffset() {
        return BigInt(lane.nextOffset)
      },
      apply: (records) => oneAtATime(() => apply(lane, records)),
      close: async () => {
        clearInterval(timer)
        await oneAtATime(() => retire(lane))
        deps.onPending(partition, undefined)
      },
    }
  },
})

const claim = async (deps: SnapshotLaneDeps, partition: number): Promise<Lane> => {
  const { table, name, owner } = deps
  const codec = await deps.codec()
  const incarnation = await incarnationOf(deps)
  const claimOf = async (topic: string): Promise<Claimed> => {
    const id: CheckpointId = { projection: name, topic, partition }
    return { id, checkpoint: await deps.checkpoints.claim(id, { owner, incarnation }) }
  }
  const done = await claimOf(table.topic)
  const begun = await claimOf(table.snapshots)
  const { nextOffset, lastTs } = done.checkpoint
  return {
    ...{ deps, partition, codec, done, begun, nextOffset, lastTs },
    pending: makePendingValues(),
    absent: await absentOf(deps, done),
    producer: undefined,
    lastPassMs: Date.now(),
    isFenced: false,
  }
}

/** Both only ever rise: whichever topic was created anew, all of the source is read again. */
const incarnationOf = async ({ table, incarnationOf: of }: SnapshotLaneDeps): Promise<number> =>
  (await of(table.topic)) + (await of(table.snapshots))

const absentOf = async (
  { table, read }: SnapshotLaneDeps,
  { id: { partition }, checkpoint }: Claimed,
): Promise<Set<string>> => {
  if (!mayHaveMissedTombstones(checkpoint, Date.now())) return new Set()
  return findAbsent(read({ topic: table.snapshots, partition }), () =>
    read({ topic: table.topic, partition }),
  )
}

const apply = async (lane: Lane, records: readonly KafkaRecord[]): Promise<LaneOutcome> => {
  const { pending, deps } = lane
  const fresh = records.filter(({ offset }) => offset >= BigInt(lane.nextOffset))
  const last = fresh.at(-1)
  // What it takes for repeats: the source may have been created anew under it.
  if (fresh.length < records.length && (await isAnew(lane))) lane.isFenced = true
  if (lane.isFenced) return { type: 'fenced' }
  if (last) {
    pending.add(fresh)
    lane.nextOffset = Number(last.offset) + 1
    lane.lastTs = last.timestamp
    deps.onPending(lane.partition, pending.sinceMs())
  }
  if (pending.bytes() >= deps.maxPendingBytes && isBeyondBegun(lane)) await pass(lane)
  return lane.isFenced ? { type: 'fenced' } : { type: 'applied', nextOffset: BigInt(lane.nextOffset) }
}

const isAnew = async ({ deps, done }: Lane): Promise<boolean> =>
  (await incarnationOf(deps)) > done.checkpoint.incarnation

const isBeyondBegun = ({ nextOffset, begun: { checkpoint } }: Lane): boolean =>
  nextOffset >= checkpoint.nextOffset

/** By the clock. What fails is tried again the next time. */
const passIfDue = async (lane: Lane): Promise<void> => {
  const { pending, absent, lastPassMs, deps } = lane
  const clock = { nowMs: Date.now(), lastPassMs, atLeastEveryMs: AT_LEAST_EVERY_MS }
  if (lane.isFenced || !isBeyondBegun(lane)) return
  if (!isPassDue({ values: pending.values, absent }, clock)) return
  try {
    await pass(lane)
  } catch (error) {
    const { table } = deps
    deps.logger.warn(
      { topic: table.snapshots, partition: lane.partition, err: error },
      'no snapshot was taken',
    )
  }
}

const pass = async (lane: Lane): Promise<void> => {
  const { deps, codec, pending, absent, nextOffset, partition, done } = lane
  const { table } = deps
  const planned = planPass({ values: pending.values, absent })
  const { messages, unreadable } = await toMessages({ codec, table }, planned)
  const { incarnation } = done.checkpoint
  const takenAt = await completeAt(lane)
  const marker = toMarker({ codec, table }, { partition, nextOffset, incarnation, takenAt })
  if (!(await send(lane, [...messages, marker])) || !(await move(lane, done))) {
    lane.isFenced = true
    return
  }
  pending.clear()
  absent.clear()
  lane.lastPassMs = Date.now()
  deps.onPending(partition, undefined)
  deps.onPass({ values: messages.length, unreadable })
}

/**
 * When the source had nothing that the pass lacks. That of the last record, unless it is at the end: a pass on the way there
 * is as old as what it has come to.
 */
const completeAt = async ({ deps, partition, nextOffset, lastTs }: Lane): Promise<number> => {
  const nowMs = Date.now()
  for await (const rest of deps.read({ topic: deps.table.topic, partition, from: BigInt(nextOffset) }))
    if (rest.length > 0) return lastTs ?? 0
  return nowMs
}

/** False when somebody else has claimed the partition, or one of the topics was created anew. */
const send = async (lane: Lane, messages: readonly OutgoingMessage[]): Promise<boolean> => {
  const { deps, partition, begun } = lane
  const { makeProducer, table } = deps
  lane.producer ??= makeProducer({ topic: table.snapshots, partition })
  let rest = messages
  try {
    while (rest.length > 0) {
      const batch = rest.slice(0, countWithin(rest, messageBytes, MAX_SEND_BYTES))
      const outcome = await lane.producer.publish(async () =>
        (await move(lane, begun)) && !(await isAnew(lane)) ? batch : [],
      )
      if (outcome === 'fenced' && (await move(lane, begun))) throw wokenUp(lane)
      if (outcome !== 'published') return false
      rest = rest.slice(batch.length)
    }
    return true
  } catch (error) {
    // It is spent.
    await retire(lane)
    throw error
  }
}

/** What was frozen in the place of a lane had begun once more, and sent nothing: the partition is still the lane's. */
const wokenUp = ({ partition, deps: { table } }: Lane): PlatformError =>
  new PlatformError({
    code: 'KAFKA_PRODUCER_STATE',
    message: `one that had ${table.snapshots}/${partition} before has begun again`,
    retryable: true,
  })

/** Up to where the lane has read. False when the place is another's. */
const move = async (lane: Lane, claimed: Claimed): Promise<boolean> => {
  if (await moveOnce(lane, claimed)) return true
  // An earlier move may have landed after all, and only its answer was lost.
  const stored = await lane.deps.checkpoints.read(claimed.id)
  if (stored?.epoch !== claimed.checkpoint.epoch) return false
  claimed.checkpoint = stored
  return moveOnce(lane, claimed)
}

const moveOnce = async ({ deps, nextOffset, lastTs }: Lane, claimed: Claimed): Promise<boolean> => {
  const { id, checkpoint } = claimed
  const { lastSequence } = checkpoint
  const to = { nextOffset, lastSequence, lastId: newId(), lastTs, watermark: null }
  if ((await deps.checkpoints.commit(id, { from: checkpoint, to, writes: [] })) === 'fenced') return false
  claimed.checkpoint = { ...checkpoint, ...to }
  return true
}

const retire = async (lane: Lane): Promise<void> => {
  const { producer } = lane
  lane.producer = undefined
  await producer?.close()
}
