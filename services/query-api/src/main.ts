import { countIgnored, makeAggregates, openSnapshotStore, withMemory } from '@millrace/aggregates'
import { shippedProjections } from '@millrace/domain'
import { connectCodec } from '@millrace/events'
import {
  connectMongo,
  mongoBuilds,
  mongoEventStore,
  mongoLaneLookup,
  mongoLogReader,
  mongoPositions,
  mongoProjectionStore,
  mongoReadModels,
  mongoStreamReader,
  mongoStreamSequences,
} from '@millrace/mongo'
import { createTokenSigner, openDoor, runService } from '@millrace/runtime'
import { loadConfig } from './config.ts'
import { describeApi } from './http/describe-api.ts'
import { readModelRoutes } from './http/read-models.ts'
import { streamStateRoute } from './http/stream-state.ts'
import { leasedBuilds } from './leased-builds.ts'
import { makeReadDocuments } from './read-documents.ts'
import { makeWaitForPosition } from './wait-for-position.ts'
import { makeOpenEvents } from './why/open-events.ts'

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
    const lanes = mongoLaneLookup(mongo)
    const codec = await connectCodec({ registryUrl: config.SCHEMA_REGISTRY_URL, writes: [] })
    const waitForPosition = makeWaitForPosition({
      ...{ signer, lanes, positions: mongoPositions(mongo), checkpoints: mongoProjectionStore(mongo) },
    })
    const builds = leasedBuilds({ registry: mongoBuilds(mongo), code: shippedProjections })
    const aggregates = makeAggregates({
      store: mongoEventStore(mongo),
      codec,
      snapshots: withMemory(openSnapshotStore(config.SNAPSHOT_STORE, mongo), config.SNAPSHOT_MEMORY_BYTES),
      onIgnored: countIgnored(metrics),
    })
    const routes = [
      ...readModelRoutes({
        ...{ signer, waitForPosition, lanes, now: Date.now, builds },
        documents: makeReadDocuments(mongoReadModels(mongo)),
        streams: mongoStreamReader(mongo),
        sequences: mongoStreamSequences(mongo),
        log: mongoLogReader(mongo),
        openEvents: makeOpenEvents(codec),
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
