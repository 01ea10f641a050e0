import { countIgnored, countTaken } from '@millrace/aggregates'
import type { ConsumerEvent, PartitionConsumer } from '@millrace/kafka'
import type { Metrics } from '@millrace/runtime'

type Counter = ReturnType<Metrics['counter']>

export type CompactorMetrics = {
  readonly ignored: ReturnType<typeof countIgnored>
  readonly taken: ReturnType<typeof countTaken>
  readonly failed: Counter
  readonly unreadable: Counter
  readonly seconds: ReturnType<Metrics['histogram']>
}

export const compactorMetrics = (metrics: Metrics): CompactorMetrics => ({
  ignored: countIgnored(metrics),
  taken: countTaken(metrics),
  failed: metrics.counter('millrace_snapshots_failed_total', 'Streams that could not be folded or kept', [
    'context',
  ]),
  unreadable: metrics.counter('millrace_compactor_unreadable_total', 'Records without usable headers'),
  seconds: metrics.histogram('millrace_snapshot_seconds', 'Time to take one snapshot', ['from']),
})

/** When the record was committed that each partition has last come to. */
export type Reached = Map<string, number>

export const noteReached =
  (reached: Reached) =>
  (event: ConsumerEvent): void => {
    if (event.type === 'applied') reached.set(`${event.topic}/${event.partition}`, event.lastTimestamp)
  }

/** How far the compactor is behind the log, in records and in time. */
export const measureLag = (metrics: Metrics, consumer: PartitionConsumer, reached: Reached): void => {
  metrics.gauge('millrace_compactor_lag_records', 'Records not looked at yet', ['topic'], (gauge) => {
    gauge.reset()
    for (const { topic, lag } of consumer.lanes()) gauge.inc({ topic }, Number(lag ?? 0n))
  })
  metrics.gauge('millrace_compactor_lag_seconds', 'Age of what is looked at; 0 at the end', [], (gauge) => {
    const behind = consumer.lanes().filter(({ lag }) => (lag ?? 0n) > 0n)
    const times = behind.flatMap(({ topic, partition }) => reached.get(`${topic}/${partition}`) ?? [])
    gauge.set(times.length > 0 ? (Date.now() - Math.min(...times)) / 1000 : 0)
  })
}
