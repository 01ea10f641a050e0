// One shard of the outbox: it carries the rows of one topic partition to Kafka, oldest first, under a lease.
//
//   asleep ──rows wait──► take the lease ──ours──► publish, purge ◄──rows──► idle
//     ▲                        │ another's              │ fenced, or lease lost │ no rows for a lease's time
//     └────────────────────────┴────────────────────────┴───────────────────────┘   (failed: after a back-off)
//
// Asleep costs nothing: no lease, no producer. One look at the outbox wakes all shards of a process that have rows.
//
// Rows are purged after they are published, so a crash in between repeats them. On a compacted topic the order is:
// begin (fences whoever published before), renew the lease, read the newest row of each key, send, commit, purge.
// The renewal is a majority write, and the read is causally after it: it shows all that a former publisher can have
// seen. A row goes only when it, or a newer one of its key, is in Kafka. So what is read is never older than what
// Kafka already has of the key, and repeats repeat the last value: the topic never goes back.

import type { LeaseKeeper, Leases, OutboxRow, OutboxRows, OutboxTopic, ShardId } from '@millrace/mongo'
import { maxOutboxBytes, takeLease } from '@millrace/mongo'
import { backoffMs, pause, type Logger } from '@millrace/runtime'
import { makeAlarm, type Alarm } from '../alarm.ts'
import { isCompacted, type Publisher } from './publisher.ts'
import { toOutgoing } from './to-outgoing.ts'

export type OutboxShardDeps = {
  readonly rows: OutboxRows
  readonly leases: Leases
  readonly makePublisher: (topic: OutboxTopic, partition: number) => Publisher
  readonly owner: string
  readonly leaseMs: number
  readonly logger: Logger
  readonly onPublished: (shard: ShardId, messages: number) => void
}

export type OutboxShard = {
  /** Rows of this shard wait. */
  wake(): void
  /** Finishes the batch in hand, gives the lease back. */
  stop(): Promise<void>
}

type Place = { readonly topic: OutboxTopic; readonly shard: ShardId }
type Rest = { readonly stopping: AbortSignal; readonly alarm: Alarm }

const MAX_ROWS = 1_000
const BACKOFF = { firstMs: 100, maxMs: 5_000 }

type Press = { readonly deps: OutboxShardDeps; readonly publisher: Publisher; readonly lease: LeaseKeeper }

const publishBatch = async ({ deps, publisher, lease }: Press, { topic, shard }: Place) => {
  const limits = { maxRows: MAX_ROWS, maxBytes: maxOutboxBytes(topic) }
  let batch: readonly OutboxRow[] = []
  const outcome = await publisher.publish(async () => {
    if (!(await lease.renew())) return []
    batch = await (isCompacted(topic) ? deps.rows.newest(shard, limits) : deps.rows.next(shard, limits))
    return batch.map(toOutgoing)
  })
  if (outcome !== 'published') return outcome
  await deps.rows.purge(shard, batch)
  deps.onPublished(shard, batch.length)
  return outcome
}

/** Until the lease is lost, another one publishes, nothing has come for a lease's time, or we stop. */
const publishWhileHeld = async (press: Press, place: Place, rest: Rest): Promise<void> => {
  const { leaseMs, logger } = press.deps
  while (!rest.stopping.aborted && (await press.lease.stillHolds())) {
    const outcome = await publishBatch(press, place)
    if (outcome === 'fenced') return logger.info(place.shard, 'outbox shard was fenced')
    if (outcome === 'nothing' && !(await rest.alarm.wait(leaseMs))) return
  }
}

const holdOnce = async (deps: OutboxShardDeps, place: Place, rest: Rest): Promise<void> => {
  const lease = await takeLease(deps.leases, {
    name: `outbox:${place.shard.topic}:${place.shard.partition}`,
    owner: deps.owner,
    ttlMs: deps.leaseMs,
    isValid: async () => true,
  })
  if (!lease) return
  const publisher = deps.makePublisher(place.topic, place.shard.partition)
  try {
    await publishWhileHeld({ deps, publisher, lease }, place, rest)
  } finally {
    await publisher.close()
    // Also after a failure: another replica may reach what we do not. If this fails too, the lease ends by itself.
    await lease.release().catch(() => undefined)
  }
}

const run = async (deps: OutboxShardDeps, place: Place, rest: Rest): Promise<void> => {
  let failures = 0
  while (!rest.stopping.aborted) {
    if (!(await rest.alarm.wait(deps.leaseMs))) continue
    try {
      await holdOnce(deps, place, rest)
      failures = 0
    } catch (error) {
      failures += 1
      const nextTryMs = backoffMs(failures, BACKOFF)
      deps.logger.warn({ ...place.shard, err: error, failures, nextTryMs }, 'outbox shard failed')
      await pause(nextTryMs, rest.stopping)
    }
  }
}

export const startOutboxShard = (
  deps: OutboxShardDeps,
  topic: OutboxTopic,
  partition: number,
): OutboxShard => {
  const stop = new AbortController()
  const alarm = makeAlarm(stop.signal)
  const place = { topic, shard: { topic: topic.name, partition } }
  const running = run(deps, place, { stopping: stop.signal, alarm })
  return {
    wake: alarm.ring,
    stop: async () => {
      stop.abort()
      await running
    },
  }
}
