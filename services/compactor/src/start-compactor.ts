import { randomUUID } from 'node:crypto'
import { makeSnapshotter, openSnapshotStore } from '@millrace/aggregates'
import { contexts, tables } from '@millrace/domain'
import type { Codec } from '@millrace/events'
import { startConsumer, type KafkaConnection, type PartitionConsumer } from '@millrace/kafka'
import {
  mongoEventStore,
  mongoProjectionStore,
  mongoStreamStarts,
  topicIncarnations,
  type EventStore,
  type MongoConnection,
} from '@millrace/mongo'
import type { Logger, Metrics } from '@millrace/runtime'
import { compact } from './compact.ts'
import { COMPACTOR_GROUP, compactorLanes } from './compactor-lane.ts'
import { compactorMetrics, measureLag, noteReached, type Reached } from './compactor-metrics.ts'
import type { Config } from './config.ts'
import { keepSnapshots } from './table-snapshots/keep-snapshots.ts'
import { makeTakeSnapshots } from './take-snapshots.ts'

export type Compactor = {
  readonly consumers: readonly PartitionConsumer[]
  lastProgressAtMs(): number
  stop(): Promise<void>
}

type Parts = {
  readonly config: Config
  readonly mongo: MongoConnection
  readonly kafka: KafkaConnection
  readonly codec: Codec
  readonly logger: Logger
  readonly metrics: Metrics
}

/** Snapshots of aggregates, and of the last values of tables. */
export const startCompactor = async (parts: Parts): Promise<Compactor> => {
  const { config, mongo, kafka, logger, metrics } = parts
  const owner = randomUUID()
  const ofTables = await keepSnapshots({
    ...{ tables, mongo, kafka, owner, logger, metrics },
    registryUrl: config.SCHEMA_REGISTRY_URL,
    everyMs: config.TABLE_SNAPSHOT_EVERY_MS,
  })
  const ofAggregates = await compactAggregates(parts, owner)
  return {
    consumers: [ofAggregates.consumer, ...ofTables],
    lastProgressAtMs: () =>
      Math.min(ofAggregates.lastProgressAtMs(), ...ofTables.map((one) => one.lastProgressAtMs())),
    stop: async () => void (await Promise.all([ofAggregates, ...ofTables].map((one) => one.stop()))),
  }
}

type OfAggregates = Omit<Compactor, 'consumers'> & { readonly consumer: PartitionConsumer }

const compactAggregates = async (parts: Parts, owner: string): Promise<OfAggregates> => {
  const { config, mongo, kafka, codec, logger, metrics } = parts
  const stopping = new AbortController()
  const measured = compactorMetrics(metrics)
  const snapshots = openSnapshotStore(config.SNAPSHOT_STORE, mongo)
  let lastPageAtMs = Date.now()
  const store = watching(mongoEventStore(mongo), () => (lastPageAtMs = Date.now()))
  const takeSnapshots = makeTakeSnapshots({
    snapshotter: makeSnapshotter({ store, codec, snapshots, now: Date.now, onIgnored: measured.ignored }),
    concurrency: config.SNAPSHOT_CONCURRENCY,
    metrics: measured,
    logger,
    signal: stopping.signal,
  })
  const startsOf = mongoStreamStarts(mongo)
  const source = compactorLanes({
    checkpoints: mongoProjectionStore(mongo),
    incarnationOf: topicIncarnations(mongo).current,
    owner,
    compact: (touched) => compact({ snapshots, startsOf, takeSnapshots }, touched),
    onUnreadable: (records) => measured.unreadable.inc(records),
  })
  const reached: Reached = new Map()
  const consumer = await startConsumer({
    connection: kafka,
    groupId: COMPACTOR_GROUP,
    topics: contexts.map(({ topic }) => topic),
    source,
    logger,
    onEvent: noteReached(reached),
  })
  measureLag(metrics, consumer, reached)
  return {
    consumer,
    lastProgressAtMs: () => Math.max(consumer.lastProgressAtMs(), lastPageAtMs),
    stop: () => {
      stopping.abort()
      return consumer.stop()
    },
  }
}

/** A long stream is many pages, and each of them is a sign of life. */
const watching = (store: EventStore, onPage: () => void): Pick<EventStore, 'load'> => ({
  load: async (tail) => {
    const page = await store.load(tail)
    onPage()
    return page
  },
})
