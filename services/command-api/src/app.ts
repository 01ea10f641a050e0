import { randomUUID } from 'node:crypto'
import { v7 as newId } from 'uuid'
import { connectCodec, topics, type Codec } from '@millrace/events'
import { connectKafka, makePartitionProducer, partitionFor, type KafkaConnection } from '@millrace/kafka'
import {
  mongoEventStore,
  mongoLeases,
  mongoPublications,
  topicIncarnations,
  type MongoConnection,
} from '@millrace/mongo'
import { createTokenSigner, type Logger, type Metrics, type Route } from '@millrace/runtime'
import { makeAnswers } from './answers.ts'
import type { Config } from './config.ts'
import { makeHandleCommand } from './handle-command.ts'
import { commandRoute } from './http/commands.ts'
import { heartbeatRoute } from './http/heartbeats.ts'
import { startRelay, type Relay } from './relay/relay.ts'

export type App = { readonly routes: readonly Route[]; readonly relay: Relay; close(): Promise<void> }

type Parts = {
  config: Config
  mongo: MongoConnection
  kafka: KafkaConnection
  codec: Codec
  logger: Logger
  metrics: Metrics
}

export const connectParts = async (config: Config, logger: Logger) => ({
  kafka: connectKafka({ brokers: config.KAFKA_BROKERS, clientId: 'command-api', logger }),
  codec: await connectCodec({ registryUrl: config.SCHEMA_REGISTRY_URL }),
})

const partitionOf = (topic: string, messageKey: string): number => {
  const spec = Object.values(topics).find(({ name }) => name === topic)
  if (!spec) throw new Error(`no topic ${topic} in the catalogue`)
  return partitionFor(messageKey, spec.partitions)
}

const measureRelay = (metrics: Metrics, publications: ReturnType<typeof mongoPublications>) => {
  const published = metrics.counter('millrace_relay_published_events_total', 'Events sent to Kafka', [
    'topic',
  ])
  metrics.gauge(
    'millrace_relay_oldest_unpublished_seconds',
    'Age of the oldest commit not yet in Kafka',
    [],
    async (gauge) => {
      // Without MongoDB the age is unknown; the other metrics are wanted then more than ever.
      const oldest = await publications.oldestPending().catch(() => new Date(Number.NaN))
      gauge.set(oldest ? (Date.now() - oldest.getTime()) / 1000 : 0)
    },
  )
  return published
}

export const startApp = ({ config, mongo, kafka, codec, logger, metrics }: Parts): App => {
  const publications = mongoPublications(mongo)
  const incarnations = topicIncarnations(mongo)
  const published = measureRelay(metrics, publications)
  const relay = startRelay(
    {
      publications,
      leases: mongoLeases(mongo),
      incarnationOf: incarnations.current,
      isEmptied: incarnations.isEmptied,
      reportEmptied: incarnations.reportEmptied,
      owner: randomUUID(),
      leaseMs: config.RELAY_LEASE_MS,
      pollMs: config.RELAY_POLL_MS,
      logger,
      onPublished: ({ topic }, events) => published.inc({ topic }, events),
    },
    kafka,
  )
  const heartbeats = Array.from({ length: topics['heartbeat.received'].partitions }, (_, partition) =>
    makePartitionProducer(kafka, { topic: 'heartbeat.received', partition }),
  )
  const producerOf = (partition: number) => {
    const producer = heartbeats[partition]
    if (!producer) throw new Error(`heartbeat.received has no partition ${partition}`)
    return producer
  }
  const handle = makeHandleCommand({
    store: mongoEventStore(mongo),
    codec,
    answers: makeAnswers(createTokenSigner(config.TOKEN_SECRET)),
    newId,
    now: Date.now,
    partitionOf,
    onAppended: relay.wake,
  })
  return {
    routes: [heartbeatRoute({ codec, newId, partitionOf, producerOf }), commandRoute(handle)],
    relay,
    close: async () => {
      await relay.stop()
      await Promise.all(heartbeats.map((producer) => producer.close()))
    },
  }
}
