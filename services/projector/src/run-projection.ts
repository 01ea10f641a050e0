import {
  fetchEndOffsets,
  knownKeysOf,
  startConsumer,
  type ConsumerEvent,
  type KafkaConnection,
  type LaneSource,
  type PartitionConsumer,
} from '@millrace/kafka'
import type { Metrics } from '@millrace/runtime'
import { projectionLanes, type LaneDeps } from './projection-lane.ts'

type Counter = ReturnType<Metrics['counter']>

export type ProjectionMetrics = {
  readonly events: Counter
  readonly writes: Counter
  readonly duplicates: Counter
  readonly fenced: Counter
  readonly parked: Counter
  readonly late: Counter
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
  parked: metrics.counter('millrace_projection_parked_total', 'Events set aside, poison or behind it', [
    'projection',
  ]),
  late: metrics.counter(
    'millrace_projection_late_total',
    'Events that came after the grace of their window',
    ['projection'],
  ),
  batchSeconds: metrics.histogram('millrace_projection_batch_seconds', 'Time to apply one batch', [
    'projection',
  ]),
})

export type RunDeps = Omit<LaneDeps, 'onApplied' | 'endOffsetOf' | 'knownKeysOf'> & {
  readonly connection: KafkaConnection
  readonly metrics: ProjectionMetrics
  /** Waited for before each batch; what it gives is called when the batch is done. */
  readonly turn?: () => Promise<() => void>
}

/** One consumer group per build, so lag, scaling and failure are each projection's own. */
export const groupOf = (build: string): string => `projection.${build}`

export const runProjection = ({
  connection,
  metrics,
  turn,
  ...deps
}: RunDeps): Promise<PartitionConsumer> => {
  const { projection, build, logger } = deps
  const labels = { projection: build }
  const source = projectionLanes({
    ...deps,
    endOffsetOf: async (topic, partition) => (await fetchEndOffsets(connection, topic)).get(partition) ?? 0n,
    knownKeysOf: (place) => knownKeysOf(connection, place),
    onApplied: ({ events, writes, duplicates, parked, late }) => {
      metrics.events.inc(labels, events)
      metrics.writes.inc(labels, writes)
      metrics.duplicates.inc(labels, duplicates)
      metrics.parked.inc(labels, parked)
      metrics.late.inc(labels, late)
      if (parked > 0)
        logger.error({ parked }, 'events were parked: their keys wait until somebody has looked')
    },
  })
  const onEvent = (event: ConsumerEvent): void => {
    if (event.type === 'applied') metrics.batchSeconds.observe(labels, event.durationMs / 1000)
    if (event.type === 'lane-changed' && event.state.type === 'stopped') {
      const { topic, partition, state } = event
      logger.error({ topic, partition, reason: state.reason }, 'partition stopped: somebody has to look')
    }
  }
  return startConsumer({
    connection,
    groupId: groupOf(build),
    topics: projection.sources,
    source: inTurn(source, { turn, onFenced: () => metrics.fenced.inc(labels) }),
    logger,
    onEvent,
  })
}

type Turns = { readonly turn: (() => Promise<() => void>) | undefined; readonly onFenced: () => void }

/** Whoever is fenced may have lost its lane by then, so that nobody else hears of it. */
const inTurn = ({ open }: LaneSource, { turn, onFenced }: Turns): LaneSource => ({
  open: async (partition) => {
    const session = await open(partition)
    return {
      get nextOffset() {
        return session.nextOffset
      },
      apply: async (records) => {
        const endTurn = await turn?.()
        try {
          const outcome = await session.apply(records)
          if (outcome.type === 'fenced') onFenced()
          return outcome
        } finally {
          endTurn?.()
        }
      },
      close: () => session.close(),
    }
  },
})
