import { randomUUID } from 'node:crypto'
import { shippedProjections } from '@millrace/domain'
import { connectCodec } from '@millrace/events'
import { connectKafka, pingKafka, type PartitionConsumer } from '@millrace/kafka'
import {
  connectStores,
  mongoPartitionKeys,
  mongoReadModelStore,
  storeAddresses,
  topicIncarnations,
} from '@millrace/mongo'
import { runService } from '@millrace/runtime'
import { keptByAll, loadConfig } from './config.ts'
import { feedBuilds } from './feed-builds.ts'
import { keepTables } from './keep-tables.ts'
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
      incarnationOf: topicIncarnations(events).current,
      owner: randomUUID(),
    }
    const storedKeys = mongoPartitionKeys(stores.readModels)
    const kept = config.PROJECTIONS ?? keptByAll
    const ofProjections = projectionMetrics(metrics)
    const feeding = await feedBuilds({
      registry: readModels.builds,
      projections: kept.projections,
      code: shippedProjections,
      run: async (feed) => {
        const { build, projection } = feed
        await readModels.prepare(build, projection.indexes)
        const store = readModels.projections
        const own = { store, storedKeys, codec, metrics: ofProjections }
        return runProjection({ ...shared, ...feed, ...own, logger: logger.child({ projection: build }) })
      },
      onCrash: fail,
      logger,
    })
    const stops = [feeding.stop]
    onStop('consumers', async () => void (await Promise.all(stops.map((stop) => stop()))))
    const keeping = await keepTables({
      ...{ ...shared, mongo: events, metrics, logger, onCrash: fail },
      registryUrl: config.SCHEMA_REGISTRY_URL,
      tables: kept.tables,
    })
    stops.push(keeping.stop)
    const consumers = (): readonly PartitionConsumer[] => [...feeding.consumers(), ...keeping.consumers]
    return {
      health: {
        live: () =>
          consumers().every((consumer) => Date.now() - consumer.lastProgressAtMs() < STUCK_AFTER_MS),
        ready: {
          mongo: stores.ping,
          kafka: async () => void (await pingKafka(kafka)),
          consumers: () => assertRunning(consumers()),
        },
      },
    }
  },
)
