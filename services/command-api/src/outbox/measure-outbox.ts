import { outboxTopics, type OutboxRows, type OutboxTopic } from '@millrace/mongo'
import type { Metrics } from '@millrace/runtime'
import type { OutboxShardDeps } from './outbox-shard.ts'

/** Registers the metrics of the outbox; what it gives is the relay's `onPublished`. */
export const measureOutbox = (
  metrics: Metrics,
  rows: OutboxRows,
  topics: readonly OutboxTopic[] = outboxTopics,
): OutboxShardDeps['onPublished'] => {
  const names = topics.map(({ name }) => name)
  const published = metrics.counter(
    'millrace_outbox_published_messages_total',
    'Messages sent to Kafka out of the outbox',
    ['topic'],
  )
  metrics.gauge(
    'millrace_outbox_oldest_unpublished_seconds',
    'Age of the oldest message in the outbox',
    [],
    async (gauge) => {
      // Without MongoDB the age is unknown; the other metrics are wanted then more than ever.
      const oldestMs = await rows.waiting(names).then(
        (shards) => Math.min(Date.now(), ...shards.map(({ since }) => since.getTime())),
        () => Number.NaN,
      )
      gauge.set((Date.now() - oldestMs) / 1_000)
    },
  )
  return ({ topic }, messages) => published.inc({ topic }, messages)
}
