import { versionedName, type AnyTable } from '@millrace/domain'
import { connectCodec, makeLateCodec } from '@millrace/events'
import {
  makeFencedProducer,
  readPartition,
  startConsumer,
  type KafkaConnection,
  type PartitionConsumer,
} from '@millrace/kafka'
import { mongoProjectionStore, topicIncarnations, type MongoConnection } from '@millrace/mongo'
import type { Logger, Metrics } from '@millrace/runtime'
import { snapshotLanes, type SnapshotLaneDeps } from './snapshot-lane.ts'

export type KeepSnapshotsDeps = {
  readonly tables: readonly AnyTable[]
  readonly mongo: MongoConnection
  readonly kafka: KafkaConnection
  readonly registryUrl: string
  readonly owner: string
  readonly everyMs: number
  readonly logger: Logger
  readonly metrics: Metrics
}

/** Of what waits for a pass, for each partition. */
const MAX_PENDING_BYTES = 32 * 1024 * 1024

/** Consumer group, and name of the checkpoints. */
const nameOf = (table: AnyTable): string => `snapshots.${versionedName(table)}`

/** Snapshots of the last values of all tables, each by a consumer group of its own. */
export const keepSnapshots = (deps: KeepSnapshotsDeps): Promise<PartitionConsumer[]> => {
  const { tables, mongo, kafka, registryUrl, owner, everyMs } = deps
  const writes = tables.map(({ snapshots }) => snapshots)
  const shared = {
    ...{ owner, everyMs, maxPendingBytes: MAX_PENDING_BYTES },
    checkpoints: mongoProjectionStore(mongo),
    incarnationOf: topicIncarnations(mongo).current,
    codec: makeLateCodec(() => connectCodec({ registryUrl, writes })),
    read: (range: Parameters<SnapshotLaneDeps['read']>[0]) => readPartition(kafka, range),
    makeProducer: (at: { topic: string; partition: number }) =>
      makeFencedProducer(kafka, {
        ...at,
        transactionalId: `millrace.compactor.${at.topic}.${at.partition}`,
      }),
  }
  const measure = snapshotMetrics(deps.metrics)
  return Promise.all(
    tables.map((table) => {
      const logger = deps.logger.child({ table: versionedName(table) })
      const name = nameOf(table)
      return startConsumer({
        ...{ connection: kafka, groupId: name, topics: [table.topic], logger },
        source: snapshotLanes({ ...shared, ...measure(table), table, name, logger }),
      })
    }),
  )
}

type Measured = Pick<SnapshotLaneDeps, 'onPass' | 'onPending'>

const snapshotMetrics = (metrics: Metrics): ((table: AnyTable) => Measured) => {
  const passes = metrics.counter('millrace_table_snapshot_passes_total', 'Passes that were completed', [
    'table',
  ])
  const values = metrics.counter('millrace_table_snapshot_values_total', 'Last values that were written', [
    'table',
  ])
  const unreadable = metrics.counter(
    'millrace_table_snapshot_unreadable_total',
    'Values that could not be read, and were left out',
    ['table'],
  )
  const pending = new Map<string, Map<number, number>>()
  metrics.gauge(
    'millrace_table_snapshot_age_seconds',
    'Age of the oldest change that is in no snapshot yet; 0 when there is none',
    ['table'],
    (gauge) => {
      for (const [table, since] of pending)
        gauge.set({ table }, since.size === 0 ? 0 : (Date.now() - Math.min(...since.values())) / 1000)
    },
  )
  return (table) => {
    const labels = { table: versionedName(table) }
    const since = new Map<number, number>()
    pending.set(labels.table, since)
    return {
      onPass: (pass) => {
        passes.inc(labels)
        values.inc(labels, pass.values)
        unreadable.inc(labels, pass.unreadable)
      },
      onPending: (partition, sinceMs) =>
        void (sinceMs === undefined ? since.delete(partition) : since.set(partition, sinceMs)),
    }
  }
}
