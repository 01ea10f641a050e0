import { versionedName } from '@millrace/domain'
import {
  startConsumer,
  type ConsumerEvent,
  type KafkaConnection,
  type PartitionConsumer,
} from '@millrace/kafka'
import type { Logger, Metrics } from '@millrace/runtime'
import { tableLanes, type TableLaneDeps } from './table-lane.ts'

type Counter = ReturnType<Metrics['counter']>

type TableMetrics = {
  readonly records: Counter
  readonly states: Counter
  readonly unreadable: Counter
}

export const tableMetrics = (metrics: Metrics): TableMetrics => ({
  records: metrics.counter('millrace_table_records_total', 'Records that a table has read', ['table']),
  states: metrics.counter('millrace_table_states_total', 'States that have changed, and were published', [
    'table',
  ]),
  unreadable: metrics.counter(
    'millrace_table_unreadable_total',
    'Records that a table could not read, and passed by',
    ['table'],
  ),
})

type RunTableDeps = Omit<TableLaneDeps, 'onApplied'> & {
  readonly connection: KafkaConnection
  readonly metrics: TableMetrics
  readonly logger: Logger
}

/** A table is fed by a consumer group of its own, as a projection is. */
const tableGroupOf = (table: string): string => `table.${table}`

export const runTable = async ({
  connection,
  metrics,
  logger,
  ...deps
}: RunTableDeps): Promise<PartitionConsumer> => {
  const { table, store } = deps
  const name = versionedName(table)
  const labels = { table: name }
  await store.prepare(name)
  const source = tableLanes({
    ...deps,
    onApplied: ({ records, states, unreadable }) => {
      metrics.records.inc(labels, records)
      metrics.states.inc(labels, states)
      metrics.unreadable.inc(labels, unreadable)
      if (unreadable > 0) logger.warn({ unreadable }, 'records that cannot be read were passed by')
    },
  })
  const onEvent = (event: ConsumerEvent): void => {
    if (event.type !== 'lane-changed' || event.state.type !== 'stopped') return
    const { topic, partition, state } = event
    logger.error({ topic, partition, reason: state.reason }, 'partition stopped: somebody has to look')
  }
  const groupId = tableGroupOf(name)
  return startConsumer({ connection, groupId, topics: [table.source], source, logger, onEvent })
}
