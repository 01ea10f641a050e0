import type { Publications, ShardId } from '@millrace/mongo'
import type { Metrics } from '@millrace/runtime'
import { eventShards } from './relay.ts'

/** Counts what is published and tells how long the oldest commit has been waiting. */
export const measureRelay = (
  metrics: Metrics,
  publications: Pick<Publications, 'oldestPending'>,
): ((shard: ShardId, events: number) => void) => {
  const published = metrics.counter('millrace_relay_published_events_total', 'Events sent to Kafka', [
    'topic',
  ])
  metrics.gauge(
    'millrace_relay_oldest_unpublished_seconds',
    'Age of the oldest commit not yet in Kafka',
    [],
    async (gauge) => {
      // Without MongoDB the age is unknown; the other metrics are wanted then more than ever.
      const oldest = await publications.oldestPending(eventShards()).catch(() => new Date(Number.NaN))
      gauge.set(oldest ? (Date.now() - oldest.getTime()) / 1000 : 0)
    },
  )
  return ({ topic }, events) => published.inc({ topic }, events)
}
