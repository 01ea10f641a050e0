import { versionedName, type AnyTable } from '@millrace/domain'
import { connectCodec, makeLateCodec } from '@millrace/events'
import { partitionFor, type KafkaConnection, type PartitionConsumer } from '@millrace/kafka'
import { mongoOutbox, mongoTableStore, type MongoConnection } from '@millrace/mongo'
import type { Logger, Metrics } from '@millrace/runtime'
import { runTable, tableMetrics } from './run-table.ts'

export type KeepDeps = {
  readonly tables: readonly AnyTable[]
  /** States, checkpoints and outbox live with the events: whoever relays the outbox is there. */
  readonly mongo: MongoConnection
  readonly connection: KafkaConnection
  readonly registryUrl: string
  readonly incarnationOf: (topic: string) => Promise<number>
  readonly owner: string
  readonly onCrash: (error: Error) => void
  readonly metrics: Metrics
  readonly logger: Logger
}

export type Keeping = {
  readonly consumers: readonly PartitionConsumer[]
  stop(): Promise<void>
}

export const keepTables = async (deps: KeepDeps): Promise<Keeping> => {
  const { tables, mongo, registryUrl, metrics, logger, onCrash, ...shared } = deps
  const writes = tables.map(({ topic }) => topic)
  const own = {
    store: mongoTableStore(mongo, mongoOutbox(mongo, { partitionFor })),
    codec: makeLateCodec(() => connectCodec({ registryUrl, writes })),
    metrics: tableMetrics(metrics),
  }
  const consumers = await Promise.all(
    tables.map((table) =>
      runTable({ ...shared, ...own, table, logger: logger.child({ table: versionedName(table) }) }),
    ),
  )
  for (const consumer of consumers) void consumer.crashed.then(onCrash)
  return {
    consumers,
    stop: async () => void (await Promise.all(consumers.map((consumer) => consumer.stop()))),
  }
}
