import type { KafkaConnection } from '@millrace/kafka'
import { outboxTopics, type OutboxTopic, type ShardId } from '@millrace/mongo'
import { backoffMs, pause } from '@millrace/runtime'
import { startOutboxShard, type OutboxShard, type OutboxShardDeps } from './outbox-shard.ts'
import { makePublisher } from './publisher.ts'

export type OutboxRelay = {
  /** Spares a row that was just added in this process the wait for the next look. */
  wake(topic: string, partition: number): void
  stop(): Promise<void>
}

export type OutboxRelayDeps = Omit<OutboxShardDeps, 'makePublisher'> & {
  readonly pollMs: number
  readonly topics?: readonly OutboxTopic[]
  /** For tests that hold a publisher at a chosen step. */
  readonly makePublisher?: OutboxShardDeps['makePublisher']
}

const BACKOFF = { firstMs: 100, maxMs: 5_000 }

const nameOf = ({ topic, partition }: ShardId): string => `${topic}:${partition}`

type Shards = ReadonlyMap<string, OutboxShard>

const startShards = (deps: OutboxShardDeps, topics: readonly OutboxTopic[]): Shards =>
  new Map(
    topics.flatMap((topic) =>
      Array.from({ length: topic.partitions }, (_, partition) => [
        nameOf({ topic: topic.name, partition }),
        startOutboxShard(deps, topic, partition),
      ]),
    ),
  )

/** One query for all shards, again and again: those that have rows are woken, also for rows of other processes. */
const watch = async (
  deps: Required<Pick<OutboxRelayDeps, 'rows' | 'topics' | 'pollMs' | 'logger'>>,
  shards: Shards,
  stopping: AbortSignal,
): Promise<void> => {
  const names = deps.topics.map(({ name }) => name)
  let failures = 0
  while (!stopping.aborted) {
    try {
      for (const shard of await deps.rows.waiting(names)) shards.get(nameOf(shard))?.wake()
      failures = 0
      await pause(deps.pollMs, stopping)
    } catch (error) {
      failures += 1
      const nextTryMs = backoffMs(failures, BACKOFF)
      deps.logger.warn({ err: error, failures, nextTryMs }, 'outbox could not be looked at')
      await pause(nextTryMs, stopping)
    }
  }
}

/** All shards of all topics that may come out of an outbox; whose lease another replica holds, that one publishes. */
export const startOutboxRelay = (deps: OutboxRelayDeps, kafka: KafkaConnection): OutboxRelay => {
  const { topics = outboxTopics, pollMs, rows, logger } = deps
  const publisherOf = deps.makePublisher ?? ((topic, partition) => makePublisher(kafka, topic, partition))
  const shards = startShards({ ...deps, makePublisher: publisherOf }, topics)
  const stop = new AbortController()
  const watching = watch({ rows, topics, pollMs, logger }, shards, stop.signal)
  return {
    wake: (topic, partition) => shards.get(nameOf({ topic, partition }))?.wake(),
    stop: async () => {
      stop.abort()
      await Promise.all([watching, ...[...shards.values()].map((shard) => shard.stop())])
    },
  }
}
