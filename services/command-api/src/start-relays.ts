import { randomUUID } from 'node:crypto'
import type { KafkaConnection } from '@millrace/kafka'
import {
  mongoLeases,
  mongoOutboxRows,
  mongoPublications,
  topicIncarnations,
  type MongoConnection,
} from '@millrace/mongo'
import type { Logger, Metrics } from '@millrace/runtime'
import type { Config } from './config.ts'
import { measureOutbox } from './outbox/measure-outbox.ts'
import { startOutboxRelay } from './outbox/outbox-relay.ts'
import { measureRelay } from './relay/measure-relay.ts'
import { startRelay, type Relay } from './relay/relay.ts'

type Parts = {
  readonly config: Pick<Config, 'RELAY_LEASE_MS' | 'RELAY_POLL_MS'>
  readonly mongo: MongoConnection
  readonly kafka: KafkaConnection
  readonly logger: Logger
  readonly metrics: Metrics
}

/** Everything that goes from MongoDB to Kafka: the commits, and the rows of the outbox. */
export const startRelays = ({ config, mongo, kafka, logger, metrics }: Parts): Relay => {
  const shared = {
    leases: mongoLeases(mongo),
    owner: randomUUID(),
    leaseMs: config.RELAY_LEASE_MS,
    pollMs: config.RELAY_POLL_MS,
    logger,
  }
  const publications = mongoPublications(mongo)
  const incarnations = topicIncarnations(mongo)
  const relay = startRelay(
    {
      ...shared,
      publications,
      incarnationOf: incarnations.current,
      isEmptied: incarnations.isEmptied,
      reportEmptied: incarnations.reportEmptied,
      onPublished: measureRelay(metrics, publications),
    },
    kafka,
  )
  const rows = mongoOutboxRows(mongo)
  const outbox = startOutboxRelay({ ...shared, rows, onPublished: measureOutbox(metrics, rows) }, kafka)
  return {
    wake: relay.wake,
    stop: async () => {
      await Promise.all([relay.stop(), outbox.stop()])
    },
  }
}
