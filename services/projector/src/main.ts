import { randomUUID } from 'node:crypto'
import { isFed, projections, shippedProjections } from '@millrace/domain'
import { connectCodec } from '@millrace/events'
import { connectKafka, pingKafka, type PartitionConsumer } from '@millrace/kafka'
import { connectStores, mongoReadModelStore, storeAddresses, topicIncarnations } from '@millrace/mongo'
import { runService } from '@millrace/runtime'
import { loadConfig } from './config.ts'
import { feedBuilds } from './feed-builds.ts'
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
    const stores = await connectStores(storeAddresses(config, 'projector'))
    const { events } = stores
    const readModels = mongoReadModelStore(stores.readModels)
    onStop('mongo', stores.close)
    const codec = await connectCodec({ registryUrl: config.SCHEMA_REGISTRY_URL, writes: [] })
    const kafka = connectKafka({ brokers: config.KAFKA_BROKERS, clientId: 'projector', logger })
    const shared = {
      connection: kafka,
      codec,
      store: readModels.projections,
      incarnationOf: topicIncarnations(events).current,
      owner: randomUUID(),
      metrics: projectionMetrics(metrics),
    }
    const feeding = await feedBuilds({
      registry: readModels.builds,
      projections: config.PROJECTIONS ?? projections.filter(isFed),
      code: shippedProjections,
      run: async (feed) => {
        const { build, projection } = feed
        await readModels.prepare(build, projection.indexes)
        return runProjection({ ...shared, ...feed, logger: logger.child({ projection: build }) })
      },
      onCrash: fail,
      logger,
    })
    onStop('consumers', feeding.stop)
    return {
      health: {
        live: () =>
          feeding.consumers().every((consumer) => Date.now() - consumer.lastProgressAtMs() < STUCK_AFTER_MS),
        ready: {
          mongo: stores.ping,
          kafka: async () => void (await pingKafka(kafka)),
          consumers: () => assertRunning(feeding.consumers()),
        },
      },
    }
  },
)
