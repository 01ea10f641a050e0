import { connectCodec, topics, type Codec } from '@millrace/events'
import {
  connectKafka,
  makePartitionProducer,
  partitionFor,
  type KafkaConnection,
  type PartitionProducer,
} from '@millrace/kafka'
import {
  mongoEventStore,
  mongoLogReader,
  mongoStreamReader,
  type MongoConnection,
  type Presence,
} from '@millrace/mongo'
import { createTokenSigner, newId, pause, type Logger, type Metrics, type Route } from '@millrace/runtime'
import { makeAnswers } from './answers.ts'
import type { Config } from './config.ts'
import { makeHandleWrite } from './handle-write.ts'
import { appendRoute } from './http/append.ts'
import { commandRoutes } from './http/commands.ts'
import { heartbeatRoute, MAX_SEND_BYTES } from './http/heartbeats.ts'
import { snapshotRoutes } from './http/snapshots.ts'
import { streamRoutes } from './http/streams/stream-routes.ts'
import { makeInTurn } from './in-turn.ts'
import { openAggregates } from './open-aggregates.ts'
import type { Relay } from './relay/relay.ts'
import { whilePresent } from './presence.ts'
import { startRelays } from './start-relays.ts'
import { startTicks } from './start-ticks.ts'
import { makeStateCache } from './state-cache.ts'

export type App = { readonly routes: readonly Route[]; readonly relay: Relay; close(): Promise<void> }

type Parts = {
  config: Config
  mongo: MongoConnection
  presence: Presence
  kafka: KafkaConnection
  codec: Codec
  logger: Logger
  metrics: Metrics
}

export const connectParts = async (config: Config, logger: Logger) => ({
  kafka: connectKafka({ brokers: config.KAFKA_BROKERS, clientId: 'command-api', logger }),
  codec: await connectCodec({ registryUrl: config.SCHEMA_REGISTRY_URL }),
})

const CLOSE_WITHIN_MS = 3_000

const partitionOf = (topic: string, messageKey: string): number => {
  const spec = Object.values(topics).find(({ name }) => name === topic)
  if (!spec) throw new Error(`no topic ${topic} in the catalogue`)
  return partitionFor(messageKey, spec.partitions)
}

const startHeartbeatProducers = (kafka: KafkaConnection) => {
  const { name: topic, partitions } = topics['heartbeat.received']
  const producers = Array.from({ length: partitions }, (_, partition) =>
    makePartitionProducer(kafka, { topic, partition, maxTogetherBytes: MAX_SEND_BYTES }),
  )
  return {
    producerOf: (partition: number): PartitionProducer => {
      const producer = producers[partition]
      if (!producer) throw new Error(`${topic} has no partition ${partition}`)
      return producer
    },
    close: async (): Promise<void> => {
      await Promise.all(producers.map((producer) => producer.close()))
    },
  }
}

export const startApp = ({ config, mongo, presence, kafka, codec, logger, metrics }: Parts): App => {
  const relay = startRelays({ config, mongo, kafka, logger, metrics })
  const heartbeats = startHeartbeatProducers(kafka)
  const ticks = startTicks({
    ...{ codec, newId, logger, producerOf: heartbeats.producerOf },
    everyMs: config.TICK_EVERY_MS,
  })
  const signer = createTokenSigner(config.TOKEN_SECRET)
  const store = whilePresent(mongoEventStore(mongo), presence)
  const opened = openAggregates({ store, codec, mongo, place: config.SNAPSHOT_STORE, metrics })
  const handle = makeHandleWrite({
    store,
    aggregates: opened.aggregates,
    cache: makeStateCache(config.STATE_CACHE_BYTES),
    inTurn: makeInTurn(),
    codec,
    answers: makeAnswers(signer),
    newId,
    now: Date.now,
    partitionOf,
    // Behind the answer: a relay that starts at once would keep it waiting.
    onAppended: (topic, partition) => void setImmediate(relay.wake, topic, partition),
  })
  return {
    routes: [
      heartbeatRoute({ codec, newId, partitionOf, producerOf: heartbeats.producerOf, signer }),
      appendRoute({ codec, handle }),
      ...streamRoutes({ streams: mongoStreamReader(mongo), log: mongoLogReader(mongo), codec, signer }),
      ...snapshotRoutes(opened),
      ...commandRoutes(handle),
    ],
    relay,
    close: async () => {
      ticks.stop()
      await relay.stop()
      // Requests have had their answers; what may be left is a tick that Kafka does not take.
      await Promise.race([heartbeats.close(), pause(CLOSE_WITHIN_MS)])
    },
  }
}
