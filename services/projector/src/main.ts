import { randomUUID } from 'node:crypto'
import { findProjection, projections, type AnyProjection } from '@millrace/domain'
import { connectCodec } from '@millrace/events'
import { connectKafka, pingKafka, type PartitionConsumer } from '@millrace/kafka'
import { connectMongo, mongoProjectionStore, topicIncarnations } from '@millrace/mongo'
import { ConfigError, runService } from '@millrace/runtime'
import { loadConfig, type Config } from './config.ts'
import { projectionMetrics, runProjection } from './run-projection.ts'

/** No lane has moved for this long although something waits: the loop is stuck, a restart is the cure. */
const STUCK_AFTER_MS = 120_000

const chosen = (names: Config['PROJECTIONS']): AnyProjection[] =>
  names?.map(asynchronous) ?? projections.filter(({ kind }) => kind !== 'inline')

const asynchronous = (name: string): AnyProjection => {
  const projection = findProjection(name)
  if (!projection) throw new ConfigError([`PROJECTIONS: there is no projection ${JSON.stringify(name)}`])
  if (projection.kind === 'inline')
    throw new ConfigError([`PROJECTIONS: ${name} is inline: it changes with the commits, not in a projector`])
  return projection
}

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
    const consumers = await Promise.all(
      chosen(config.PROJECTIONS).map((projection) =>
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
