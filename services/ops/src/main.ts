import { shippedProjections as code } from '@millrace/domain'
import { connectCodec } from '@millrace/events'
import { connectKafka, pingKafka } from '@millrace/kafka'
import {
  connectStores,
  mongoBuildReports,
  mongoLaneStates,
  mongoPartitionLog,
  mongoReadModelStore,
  storeAddresses,
} from '@millrace/mongo'
import { openDoor, runService } from '@millrace/runtime'
import { makeProgressOf } from './build-progress.ts'
import { makeChecks } from './checks.ts'
import { loadConfig } from './config.ts'
import { finishDrops } from './drop-builds.ts'
import { describeApi } from './http/describe-api.ts'
import { projectionRoutes } from './http/projection-routes.ts'
import { makeOperations } from './operations.ts'
import { checkMetrics, checkRoutinely } from './routine-checks.ts'
import { serveResets } from './serve-resets.ts'

await runService(
  { name: 'ops', loadConfig, exit: (code) => process.exit(code) },
  async ({ config, logger, metrics, onStop }) => {
    const stores = await connectStores(storeAddresses(config, 'ops'))
    onStop('mongo', stores.close)
    const codec = await connectCodec({ registryUrl: config.SCHEMA_REGISTRY_URL, writes: [] })
    const kafka = connectKafka({ brokers: config.KAFKA_BROKERS, clientId: 'ops', logger })
    const ended = new AbortController()
    const { signal } = ended
    const { builds: registry, reader } = mongoReadModelStore(stores.readModels)
    const reports = mongoBuildReports(stores.readModels)
    const lanes = mongoLaneStates(stores.readModels)
    const progressOf = makeProgressOf({ kafka, lanes })
    const log = mongoPartitionLog(stores.events)
    const checks = makeChecks({ reader, code, codec, log, lanes, reports, logger, signal })
    const shared = { registry, reports, code, kafka, progressOf, logger, signal }
    const mayBuildInPlace = config.NODE_ENV !== 'production'
    const operations = makeOperations({ ...shared, mayBuildInPlace, startCheck: checks.start })
    const everyMs = config.CHECK_EVERY_MS
    const background = Promise.all([
      checkRoutinely({ ...shared, check: checks.run, everyMs, metrics: checkMetrics(metrics) }),
      serveResets({ ...shared, check: checks.run }),
      finishDrops(shared),
    ])
    onStop('checks', async () => {
      ended.abort()
      await Promise.all([background, checks.settled()])
    })
    const routes = projectionRoutes(operations)
    const door = openDoor({ config, logger, metrics, onStop }, { routes, document: describeApi(routes) })
    return {
      ...door,
      health: {
        live: () => true,
        ready: {
          mongo: stores.ping,
          kafka: async () => void (await pingKafka(kafka)),
          identity: door.ready,
        },
      },
    }
  },
)
