import { randomUUID } from 'node:crypto'
import { projections } from '@millrace/domain'
import { connectCodec } from '@millrace/events'
import { connectKafka, pingKafka, type PartitionConsumer } from '@millrace/kafka'
import { connectMongo, mongoProjectionStore, topicIncarnations } from '@millrace/mongo'
import { runService } from '@millrace/runtime'
import { loadConfig } from './config.ts'
import { projectionMetrics, runProjection } from './run-projection.ts'

/** No lane has moved for this long although something waits: the loop is stuck, a restart is the cure. */
const STUCK_AFTER_MS = 120_000

const assertRunning = (consumers: readonly PartitionConsumer[]): void => {
  const idle = consumers.map((consumer) => consumer.state().type).find((state) => state !== 'running')
  if (idle !== undefined) throw new Error(`a consumer is ${idle}`)
}

await runService(
  { name: 'projector', loadConfig, exit: (code) => process.exit(code) },
  async ({ config, logger, metrics, onStop, fail }) => {
    const mongo = await connectMongo({
      url: config.MONGO_URL,
      database: config.MONGO_DATABASE,
      clientName: 'projector',
    })
    onStop('mongo', mongo.close)
    const codec = await connectCodec({ registryUrl: config.SCHEMA_REGISTRY_URL, writes: [] })
    const kafka = connectKafka({ brokers: config.KAFKA_BROKERS, clientId: 'projector', logger })
    const shared = {
      connection: kafka,
      codec,
      store: mongoProjectionStore(mongo),
      incarnationOf: topicIncarnations(mongo).current,
      owner: randomUUID(),
      metrics: projectionMetrics(metrics),
    }
    const chosen = config.PROJECTIONS ?? projections.filter(({ kind }) => kind !== 'inline')
    const consumers = await Promise.all(
      chosen.map((projection) =>
        runProjection({ ...shared, projection, logger: logger.child({ projection: projection.name }) }),
      ),
    )
    for (const consumer of consumers) void consumer.crashed.then(fail)
    onStop('consumers', () => Promise.all(consumers.map((consumer) => consumer.stop())).then(() => undefined))
    return {
      health: {
        live: () => consumers.every((consumer) => Date.now() - consumer.lastProgressAtMs() < STUCK_AFTER_MS),
        ready: {
          mongo: mongo.ping,
          kafka: async () => void (await pingKafka(kafka)),
          consumers: () => assertRunning(consumers),
        },
      },
    }
  },
)
