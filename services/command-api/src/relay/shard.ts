// One shard of the relay: it carries the commits of one topic partition to Kafka, in order, under a lease.
//
//   without lease ──take──► recovering ──nothing unfinished──► publishing ◄──wake or poll──► idle
//        ▲                      │ unfinished record: produce it again,                │
//        │                      │ same events under the same sequences                │
//        └──── lease lost, beaten, anything failed (back-off) ◄──────────────────────┘

import type { Leases, Publication, Publications, ShardId } from '@millrace/mongo'
import { backoffMs, pause, PlatformError, type Logger } from '@millrace/runtime'
import type { PartitionProducer } from '@millrace/kafka'
import { takeLease, type LeaseKeeper } from './lease-keeper.ts'
import { isFinished, publishNext, repeatUnfinished, type Press } from './publish.ts'

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

type Rest = { readonly stopping: AbortSignal; idle(ms: number): Promise<void> }

const BACKOFF = { firstMs: 100, maxMs: 5_000 }

type GoesOn = () => Promise<boolean>

/**
 * Repeats what is unfinished, oldest first, and gives the newest record. It is looked at again after it was read: a
 * relay that lost its lease may open one more record at any time, and nothing may be published behind an open one.
 */
const recover = async (press: Press, goesOn: GoesOn): Promise<Publication | undefined> => {
  for (;;) {
    while ((await goesOn()) && (await repeatUnfinished(press))) continue
    const last = await press.publications.last(press.shard)
    if (!last || isFinished(last, press.incarnation) || !(await goesOn())) return last
  }
}

/** Everything unfinished first, then what waits, until the lease is lost, another relay is faster, or we stop. */
const publishWhileHeld = async (
  press: Press,
  lease: LeaseKeeper,
  rest: Rest & { pollMs: number },
): Promise<void> => {
  const goesOn = async (): Promise<boolean> => !rest.stopping.aborted && (await lease.stillHolds())
  let last = await recover(press, goesOn)
  while (await goesOn()) {
    const published = await publishNext(press, last)
    if (published === 'beaten') return
    if (published === 'empty') await rest.idle(rest.pollMs)
    else last = published
  }
}

const holdOnce = async (deps: ShardDeps, shard: ShardId, rest: Rest): Promise<void> => {
  const name = `relay:${shard.topic}:${shard.partition}`
  const lease = await takeLease(deps.leases, { name, owner: deps.owner, ttlMs: deps.leaseMs })
  if (!lease) return rest.idle(deps.leaseMs / 2)
  const producer = deps.makeProducer(shard)
  try {
    const incarnation = await deps.incarnationOf(shard.topic)
    const { publications, onPublished, pollMs } = deps
    await publishWhileHeld({ shard, publications, producer, incarnation, onPublished }, lease, {
      ...rest,
      pollMs,
    })
  } finally {
    await producer.close()
  }
  if (rest.stopping.aborted) await lease.release()
}

const needsNewTopic = (error: unknown): boolean =>
  error instanceof PlatformError && error.code === 'KAFKA_OFFSET_WENT_BACK' && !error.retryable

/** Publishing on would bury what Kafka has lost under newer events. `millrace setup` raises the incarnation. */
const waitForNewTopic = async (deps: ShardDeps, shard: ShardId, rest: Rest): Promise<void> => {
  deps.logger.error({ ...shard }, 'topic was emptied, publishing stopped; run millrace setup')
  // Of the last record, not of now: setup may have run before anybody noticed.
  const lost = (await deps.publications.last(shard))?.incarnation ?? 0
  while (!rest.stopping.aborted && (await deps.incarnationOf(shard.topic)) <= lost) {
    await pause(deps.leaseMs / 2, rest.stopping)
  }
}

const run = async (deps: ShardDeps, shard: ShardId, rest: Rest): Promise<void> => {
  let failures = 0
  let isEmptied = false
  while (!rest.stopping.aborted) {
    try {
      if (isEmptied) await waitForNewTopic(deps, shard, rest)
      await holdOnce(deps, shard, rest)
      failures = 0
    } catch (error) {
      isEmptied = needsNewTopic(error)
      failures += 1
      const nextTryMs = backoffMs(failures, BACKOFF)
      deps.logger.warn({ ...shard, err: error, failures, nextTryMs }, 'relay shard failed')
      await pause(nextTryMs, rest.stopping)
    }
  }
}

export const startShard = (deps: ShardDeps, shard: ShardId): Shard => {
  const stop = new AbortController()
  let alarm = new AbortController()
  const idle = async (ms: number): Promise<void> => {
    await pause(ms, AbortSignal.any([alarm.signal, stop.signal]))
    alarm = new AbortController()
  }
  const running = run(deps, shard, { stopping: stop.signal, idle })
  return {
    wake: () => alarm.abort(),
    stop: async () => {
      stop.abort()
      await running
    },
  }
}
