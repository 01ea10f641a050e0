// One shard of the relay: it carries the commits of one topic partition to Kafka, in order, under a lease.
//
//   without lease ──take──► recovering ──nothing unfinished──► publishing ◄──wake or poll──► idle
//        ▲                      │ unfinished record: produce it again,                │
//        │                      │ same events under the same sequences                │
//        └──── lease lost, anything failed (back-off) ◄──────────────────────────────┘
//
// A publication is four steps: insert the record {n, first sequence, commit ids}, produce its events in one send,
// mark its commits, mark the record done. The record's n is unique, so of two relays that both believe to hold the
// lease only one gets a number; the other reads everything anew. Whoever takes over finds the open record and
// produces it again as it is: what Kafka then has twice carries equal sequences, and consumers drop the second.
// A topic that had to be created again (a higher incarnation) makes all records unfinished, oldest first.

import type { Lease, Leases, PlannedCommit, Publication, Publications, ShardId } from '@millrace/mongo'
import { backoffMs, pause, PlatformError, type Logger } from '@millrace/runtime'
import type { PartitionProducer } from '@millrace/kafka'
import { toMessages } from './to-messages.ts'

export type ShardDeps = {
  readonly publications: Publications
  readonly leases: Leases
  readonly incarnationOf: (topic: string) => Promise<number>
  readonly makeProducer: (shard: ShardId) => PartitionProducer
  readonly owner: string
  readonly leaseMs: number
  readonly pollMs: number
  readonly logger: Logger
  readonly onPublished: (shard: ShardId, events: number) => void
}

export type Shard = {
  /** A commit of this shard has just been made. */
  wake(): void
  /** Finishes the publication in hand, gives the lease back. */
  stop(): Promise<void>
}

type Hold = {
  readonly lease: Lease
  readonly incarnation: number
  readonly producer: PartitionProducer
  last: Publication | undefined
}

const PLAN_LIMITS = { maxEvents: 1_000, maxBytes: 900 * 1024 }
const BACKOFF = { firstMs: 100, maxMs: 5_000 }

export const startShard = (deps: ShardDeps, shard: ShardId): Shard => {
  const { publications, leases } = deps
  const logger = deps.logger.child({ topic: shard.topic, partition: shard.partition })
  const leaseName = `relay:${shard.topic}:${shard.partition}`
  const stopping = new AbortController()
  let alarm = new AbortController()
  let heldUntil = 0

  const keepLease = async (): Promise<Lease | undefined> => {
    const askedAt = performance.now()
    const lease = await leases.take(leaseName, deps.owner, deps.leaseMs)
    heldUntil = lease ? askedAt + deps.leaseMs : 0
    return lease
  }

  /** Renews when a third of the lease is gone; false when it was lost. */
  const stillHolds = async (hold: Hold): Promise<boolean> => {
    if (heldUntil - performance.now() > (deps.leaseMs * 2) / 3) return true
    const lease = await keepLease()
    return lease?.epoch === hold.lease.epoch
  }

  const idle = async (ms: number): Promise<void> => {
    await pause(ms, AbortSignal.any([alarm.signal, stopping.signal]))
    alarm = new AbortController()
  }

  const produce = async (
    hold: Hold,
    record: Publication,
    commits: readonly PlannedCommit[],
  ): Promise<void> => {
    const messages = toMessages(commits, record.firstSequence)
    const expected = record.eventCounts.reduce((sum, count) => sum + count, 0)
    if (messages.length !== expected) {
      const message = `publication ${record._id.n} names ${expected} events, the store has ${messages.length}`
      throw new PlatformError({ code: 'STORE_DAMAGED', message, retryable: false })
    }
    const { baseOffset } = await hold.producer.send(messages)
    await publications.finish(record, { baseOffset, incarnation: hold.incarnation })
    deps.onPublished(shard, messages.length)
  }

  const recover = async (hold: Hold): Promise<void> => {
    while (!stopping.signal.aborted && (await stillHolds(hold))) {
      const record = await publications.firstUnfinished(shard, hold.incarnation)
      if (!record) break
      logger.info({ n: record._id.n, state: record.state }, 'publication repeated')
      await produce(hold, record, await publications.commitsOf(record))
    }
    hold.last = await publications.last(shard)
  }

  const nextRecord = (hold: Hold, commits: readonly PlannedCommit[]): Publication => {
    const last = hold.last
    const lastEvents = last?.eventCounts.reduce((sum, count) => sum + count, 0) ?? 0
    return {
      _id: { ...shard, n: (last?._id.n ?? 0) + 1 },
      firstSequence: (last?.firstSequence ?? 1) + lastEvents,
      commitIds: commits.map((commit) => commit._id),
      eventCounts: commits.map((commit) => commit.events.length),
      state: 'open',
      incarnation: hold.incarnation,
    }
  }

  /** `empty` when nothing waits, `beaten` when another relay was first. */
  const publishNext = async (hold: Hold): Promise<'published' | 'empty' | 'beaten'> => {
    const commits = await publications.plan(shard, PLAN_LIMITS)
    if (commits.length === 0) return 'empty'
    const record = nextRecord(hold, commits)
    if (!(await publications.open(record))) return 'beaten'
    await produce(hold, record, commits)
    hold.last = record
    return 'published'
  }

  const publishWhileHeld = async (hold: Hold): Promise<void> => {
    await recover(hold)
    while (!stopping.signal.aborted && (await stillHolds(hold))) {
      const outcome = await publishNext(hold)
      if (outcome === 'beaten') return
      if (outcome === 'empty') await idle(deps.pollMs)
    }
  }

  const holdOnce = async (): Promise<void> => {
    const lease = await keepLease()
    if (!lease) return idle(deps.leaseMs / 2)
    const producer = deps.makeProducer(shard)
    try {
      const incarnation = await deps.incarnationOf(shard.topic)
      await publishWhileHeld({ lease, incarnation, producer, last: undefined })
    } finally {
      await producer.close()
    }
    if (stopping.signal.aborted) await leases.release(lease)
  }

  const run = async (): Promise<void> => {
    let failures = 0
    while (!stopping.signal.aborted) {
      try {
        await holdOnce()
        failures = 0
      } catch (error) {
        failures += 1
        const nextTryMs = backoffMs(failures, BACKOFF)
        logger.warn({ err: error, failures, nextTryMs }, 'relay shard failed')
        await pause(nextTryMs, stopping.signal)
      }
    }
  }

  const running = run()
  return {
    wake: () => alarm.abort(),
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
