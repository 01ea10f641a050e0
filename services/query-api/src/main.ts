import { countIgnored, makeAggregates, openSnapshotStore, withMemory } from '@millrace/aggregates'
import { connectCodec } from '@millrace/events'
import {
  connectMongo,
  mongoEventStore,
  mongoPositions,
  mongoProjectionStore,
  mongoReadModels,
} from '@millrace/mongo'
import { createTokenSigner, openDoor, runService } from '@millrace/runtime'
import { loadConfig } from './config.ts'
import { describeApi } from './http/describe-api.ts'
import { readModelRoutes } from './http/read-models.ts'
import { streamStateRoute } from './http/stream-state.ts'
import { makeWaitForPosition } from './wait-for-position.ts'

await runService(
  { name: 'query-api', loadConfig, exit: (code) => process.exit(code) },
  async ({ config, logger, metrics, onStop }) => {
    const mongo = await connectMongo({
      url: config.MONGO_URL,
      database: config.MONGO_DATABASE,
      clientName: 'query-api',
    })
    onStop('mongo', mongo.close)
    const signer = createTokenSigner(config.TOKEN_SECRET)
    const positions = mongoPositions(mongo)
    const checkpoints = mongoProjectionStore(mongo)
    const aggregates = makeAggregates({
      store: mongoEventStore(mongo),
      codec: await connectCodec({ registryUrl: config.SCHEMA_REGISTRY_URL, writes: [] }),
      snapshots: withMemory(openSnapshotStore(config.SNAPSHOT_STORE, mongo), config.SNAPSHOT_MEMORY_BYTES),
      onIgnored: countIgnored(metrics),
    })
    const routes = [
      ...readModelRoutes({
        readModels: mongoReadModels(mongo),
        signer,
        waitForPosition: makeWaitForPosition({ signer, positions, checkpoints }),
      }),
      streamStateRoute({ aggregates }),
    ]
    const door = openDoor({ config, logger, metrics, onStop }, { routes, document: describeApi(routes) })
    return {
      ...door,
      health: { live: () => true, ready: { mongo: mongo.ping, identity: door.ready } },
    }
  },
)
