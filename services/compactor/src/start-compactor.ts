import { randomUUID } from 'node:crypto'
import { makeSnapshotter, openSnapshotStore } from '@millrace/aggregates'
import { contexts } from '@millrace/domain'
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
import { makeTakeSnapshots } from './take-snapshots.ts'

export type Compactor = {
  readonly consumer: PartitionConsumer
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

export const startCompactor = async (parts: Parts): Promise<Compactor> => {
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
    owner: randomUUID(),
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
