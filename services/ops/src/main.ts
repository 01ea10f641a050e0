import { shippedProjections as code } from '@millrace/domain'
import { connectCodec } from '@millrace/events'
import { connectKafka, pingKafka } from '@millrace/kafka'
import {
  connectMongo,
  mongoBuildReports,
  mongoBuilds,
  mongoLaneStates,
  mongoPartitionLog,
} from '@millrace/mongo'
import { openDoor, runService } from '@millrace/runtime'
import { runCheck, type CheckOrder } from './build-check.ts'
import { makeProgressOf } from './build-progress.ts'
import { loadConfig } from './config.ts'
import { describeApi } from './http/describe-api.ts'
import { projectionRoutes } from './http/projection-routes.ts'
import { makeOperations } from './operations.ts'
import { checkMetrics, checkRoutinely } from './routine-checks.ts'
import { serveResets } from './serve-resets.ts'

await runService(
  { name: 'ops', loadConfig, exit: (code) => process.exit(code) },
  async ({ config, logger, metrics, onStop }) => {
    const mongo = await connectMongo({
      url: config.MONGO_URL,
      database: config.MONGO_DATABASE,
      clientName: 'ops',
    })
    onStop('mongo', mongo.close)
    const codec = await connectCodec({ registryUrl: config.SCHEMA_REGISTRY_URL, writes: [] })
    const kafka = connectKafka({ brokers: config.KAFKA_BROKERS, clientId: 'ops', logger })
    const ended = new AbortController()
    const { signal } = ended
    const registry = mongoBuilds(mongo)
    const reports = mongoBuildReports(mongo)
    const progressOf = makeProgressOf({ kafka, lanes: mongoLaneStates(mongo) })
    const log = mongoPartitionLog(mongo)
    const check = (order: CheckOrder) =>
      runCheck({ mongo, code, codec, log, reports, logger }, { signal, ...order })
    const operations = makeOperations({
      ...{ registry, reports, code, kafka, progressOf },
      mayBuildInPlace: config.NODE_ENV !== 'production',
      startCheck: (order) => void check(order),
    })
    const everyMs = config.CHECK_EVERY_MS
    const background = Promise.all([
      checkRoutinely({ registry, code, check, everyMs, logger, metrics: checkMetrics(metrics), signal }),
      serveResets({ registry, reports, code, progressOf, check, logger, signal }),
    ])
    onStop('checks', async () => {
      ended.abort()
      await background
    })
    const routes = projectionRoutes(operations)
    const door = openDoor({ config, logger, metrics, onStop }, { routes, document: describeApi(routes) })
    return {
      ...door,
      health: {
        live: () => true,
        ready: {
          mongo: mongo.ping,
          kafka: async () => void (await pingKafka(kafka)),
          identity: door.ready,
        },
      },
    }
  },
)
