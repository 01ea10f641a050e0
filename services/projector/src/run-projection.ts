import { versionedName, type AnyProjection } from '@millrace/domain'
import { fetchEndOffsets, startConsumer, type ConsumerEvent, type PartitionConsumer } from '@millrace/kafka'
import type { Metrics } from '@millrace/runtime'
import { projectionLanes, type LaneDeps } from './projection-lane.ts'

type Counter = ReturnType<Metrics['counter']>

export type ProjectionMetrics = {
  readonly events: Counter
  readonly writes: Counter
  readonly duplicates: Counter
  readonly fenced: Counter
  readonly batchSeconds: ReturnType<Metrics['histogram']>
}

export const projectionMetrics = (metrics: Metrics): ProjectionMetrics => ({
  events: metrics.counter('millrace_projection_events_total', 'Events folded into a read model', [
    'projection',
  ]),
  writes: metrics.counter('millrace_projection_writes_total', 'Documents written by a read model', [
    'projection',
  ]),
  duplicates: metrics.counter('millrace_projection_duplicates_total', 'Records seen before and dropped', [
    'projection',
  ]),
  fenced: metrics.counter('millrace_projection_fenced_total', 'Batches refused for an old epoch', [
    'projection',
  ]),
  batchSeconds: metrics.histogram('millrace_projection_batch_seconds', 'Time to apply one batch', [
    'projection',
  ]),
})

type RunDeps = Omit<LaneDeps, 'onApplied' | 'endOffsetOf'> &
  Pick<Parameters<typeof startConsumer>[0], 'connection'> & { metrics: ProjectionMetrics }

/** One consumer group per projection and version, so lag, scaling and failure are each projection's own. */
export const groupOf = (projection: AnyProjection): string => `projection.${versionedName(projection)}`

export const runProjection = ({ connection, metrics, ...deps }: RunDeps): Promise<PartitionConsumer> => {
  const { projection, logger } = deps
  const labels = { projection: versionedName(projection) }
  const source = projectionLanes({
    ...deps,
    endOffsetOf: async (topic, partition) => (await fetchEndOffsets(connection, topic)).get(partition) ?? 0n,
    onApplied: ({ events, writes, duplicates }) => {
      metrics.events.inc(labels, events)
      metrics.writes.inc(labels, writes)
      metrics.duplicates.inc(labels, duplicates)
    },
  })
  const onEvent = (event: ConsumerEvent): void => {
    if (event.type === 'applied') metrics.batchSeconds.observe(labels, event.durationMs / 1000)
    if (event.type === 'lane-changed' && event.state.type === 'fenced') metrics.fenced.inc(labels)
    if (event.type === 'lane-changed' && event.state.type === 'stopped') {
      const { topic, partition, state } = event
      logger.error({ topic, partition, reason: state.reason }, 'partition stopped: somebody has to look')
    }
  }
  return startConsumer({
    connection,
    groupId: groupOf(projection),
    topics: projection.sources,
    source,
    logger,
    onEvent,
  })
}
