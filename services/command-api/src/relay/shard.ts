// One shard of the relay: it carries the commits of one topic partition to Kafka, in order, under a lease.
//
//   without lease ──take──► recovering ──nothing unfinished──► publishing ◄──wake or poll──► idle
//        ▲                      │ unfinished record: produce it again,                │
//        │                      │ same events under the same sequences                │
//        └──── lease lost, beaten, anything failed (back-off) ◄──────────────────────┘

import {
  takeLease,
  type LeaseKeeper,
  type Leases,
  type Publication,
  type Publications,
  type ShardId,
} from '@millrace/mongo'
import { backoffMs, pause, type Logger } from '@millrace/runtime'
import type { PartitionProducer } from '@millrace/kafka'
import { makeAlarm, type Alarm } from '../alarm.ts'
import { isFinished, publishWaiting, repeatUnfinished, type Press } from './publish.ts'

export type ShardDeps = {
  readonly publications: Publications
  readonly leases: Leases
  readonly incarnationOf: (topic: string) => Promise<number>
  readonly isEmptied: (topic: string) => Promise<boolean>
  readonly reportEmptied: (topic: string, incarnation: number) => Promise<void>
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

type Rest = { readonly stopping: AbortSignal; readonly alarm: Alarm }

const BACKOFF = { firstMs: 100, maxMs: 5_000 }

type GoesOn = () => Promise<boolean>

/**
 * Repeats what is unfinished, oldest first, and gives the newest record. It is looked at again after it was read: a
 * relay that lost its lease may open one more record at any time, and nothing may be published behind an open one.
 */
const recover = async (press: Press, goesOn: GoesOn): Promise<Publication | undefined> => {
  let done: Publication | undefined
  for (;;) {
    while (await goesOn()) {
      const repeated = await repeatUnfinished(press, done)
      if (!repeated) break
      done = repeated
    }
    const last = await press.publications.last(press.shard)
    if (!last || isFinished(last, press.incarnation) || !(await goesOn())) return last
  }
}

/**
 * A publication costs the same for one event as for a hundred, and takes the database's time from the commands that
 * make the next ones: so a shard starts at most one in this time. The first after a rest starts at once.
 */
const PACE_MS = 50

/** Everything unfinished first, then what waits, until the lease is lost, another relay is faster, or we stop. */
const publishWhileHeld = async (
  press: Press,
  lease: LeaseKeeper,
  rest: Rest & { pollMs: number },
): Promise<void> => {
  const goesOn = async (): Promise<boolean> => !rest.stopping.aborted && (await lease.stillHolds())
  let last = await recover(press, goesOn)
  while (await goesOn()) {
    const startedAt = performance.now()
    const swept = await publishWaiting(press, last, goesOn)
    if (swept.isBeaten) return
    last = swept.last
    if (swept.isCut) continue
    await rest.alarm.wait(rest.pollMs, startedAt + PACE_MS)
  }
}

const holdOnce = async (deps: ShardDeps, shard: ShardId, rest: Rest): Promise<void> => {
  const incarnation = await deps.incarnationOf(shard.topic)
  const lease = await takeLease(deps.leases, {
    name: `relay:${shard.topic}:${shard.partition}`,
    owner: deps.owner,
    ttlMs: deps.leaseMs,
    // A topic made anew is published again from the first record; one that has lost records waits for that.
    isValid: async () =>
      (await deps.incarnationOf(shard.topic)) === incarnation && !(await deps.isEmptied(shard.topic)),
  })
  if (!lease) return pause(deps.leaseMs / 2, rest.stopping)
  const producer = deps.makeProducer(shard)
  try {
    const { publications, reportEmptied, onPublished, pollMs } = deps
    const press = { shard, publications, producer, incarnation, reportEmptied, onPublished }
    await publishWhileHeld(press, lease, { ...rest, pollMs })
  } finally {
    await producer.close()
    // Also after a failure: whoever comes next repeats what is open.
    if (rest.stopping.aborted) await lease.release()
  }
}

const run = async (deps: ShardDeps, shard: ShardId, rest: Rest): Promise<void> => {
  let failures = 0
  while (!rest.stopping.aborted) {
    try {
      if (await deps.isEmptied(shard.topic)) {
        // Publishing on would bury what Kafka has lost under newer events.
        deps.logger.error({ ...shard }, 'topic has lost records, publishing stopped; run millrace setup')
        await pause(BACKOFF.maxMs, rest.stopping)
      } else await holdOnce(deps, shard, rest)
      failures = 0
    } catch (error) {
      failures += 1
      const nextTryMs = backoffMs(failures, BACKOFF)
      deps.logger.warn({ ...shard, err: error, failures, nextTryMs }, 'relay shard failed')
      await pause(nextTryMs, rest.stopping)
    }
  }
}

export const startShard = (deps: ShardDeps, shard: ShardId): Shard => {
  const stop = new AbortController()
  const alarm = makeAlarm(stop.signal)
  const running = run(deps, shard, { stopping: stop.signal, alarm })
  return {
    wake: alarm.ring,
    stop: async () => {
      stop.abort()
      await running
    },
  }
}
