import { countIgnored, makeAggregates, openSnapshotStore, withMemory } from '@millrace/aggregates'
import { shippedProjections } from '@millrace/domain'
import { connectCodec } from '@millrace/events'
import {
  connectStores,
  mongoEventStore,
  mongoLaneLookup,
  mongoLogReader,
  mongoPositions,
  mongoProjectionStore,
  mongoReadModels,
  mongoReadModelStore,
  mongoStreamReader,
  mongoStreamSequences,
  storeAddresses,
} from '@millrace/mongo'
import { createTokenSigner, openDoor, runService } from '@millrace/runtime'
import { loadConfig } from './config.ts'
import { makeFoldOnDemand } from './fold-on-demand.ts'
import { describeApi } from './http/describe-api.ts'
import { readModelRoutes } from './http/read-models.ts'
import { snapRoutes } from './http/snap-routes.ts'
import { streamStateRoute } from './http/stream-state.ts'
import { leasedBuilds } from './leased-builds.ts'
import { makeReadDocuments } from './read-documents.ts'
import { makeWaitForPosition } from './wait-for-position.ts'
import { makeOpenEvents } from './why/open-events.ts'

await runService(
  { name: 'query-api', loadConfig, exit: (code) => process.exit(code) },
  async ({ config, logger, metrics, onStop }) => {
    const stores = await connectStores(storeAddresses(config, 'query-api'))
    const { events: mongo } = stores
    const readModels = mongoReadModelStore(stores.readModels)
    onStop('mongo', stores.close)
    const signer = createTokenSigner(config.TOKEN_SECRET)
    const lanes = mongoLaneLookup(stores.readModels)
    const codec = await connectCodec({ registryUrl: config.SCHEMA_REGISTRY_URL, writes: [] })
    const withEvents = mongoReadModels(mongo)
    const waitForPosition = makeWaitForPosition({
      ...{ signer, lanes, positions: mongoPositions(mongo), checkpoints: readModels.projections },
      documents: readModels.reads,
      states: { findOne: withEvents.findOne, readCheckpoint: mongoProjectionStore(mongo).read },
    })
    const builds = leasedBuilds({ registry: readModels.builds, code: shippedProjections })
    const aggregates = makeAggregates({
      store: mongoEventStore(mongo),
      codec,
      snapshots: withMemory(openSnapshotStore(config.SNAPSHOT_STORE, mongo), config.SNAPSHOT_MEMORY_BYTES),
      onIgnored: countIgnored(metrics),
    })
    const streams = mongoStreamReader(mongo)
    const openEvents = makeOpenEvents(codec)
    const routes = [
      ...readModelRoutes({
        ...{ signer, waitForPosition, lanes, now: Date.now, builds },
        documents: makeReadDocuments({
          inline: withEvents,
          others: readModels.reads,
          onDemand: makeFoldOnDemand({ streams, openEvents }),
        }),
        streams,
        sequences: mongoStreamSequences(mongo),
        log: mongoLogReader(mongo),
        openEvents,
      }),
      ...snapRoutes({ documents: readModels.reads, builds, signer, waitForPosition }),
      streamStateRoute({ aggregates }),
    ]
    const door = openDoor({ config, logger, metrics, onStop }, { routes, document: describeApi(routes) })
    return {
      ...door,
      health: { live: () => true, ready: { mongo: stores.ping, identity: door.ready } },
    }
  },
)
