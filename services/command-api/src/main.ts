import { pingKafka } from '@millrace/kafka'
import { connectMongo } from '@millrace/mongo'
import { createDoor, makeIdentify, runService } from '@millrace/runtime'
import { connectParts, startApp } from './app.ts'
import { loadConfig } from './config.ts'
import { enterStore } from './presence.ts'

await runService(
  { name: 'command-api', loadConfig, exit: (code) => process.exit(code) },
  async ({ config, logger, metrics, onStop, fail }) => {
    const mongo = await connectMongo({
      url: config.MONGO_URL,
      database: config.MONGO_DATABASE,
      clientName: 'command-api',
    })
    onStop('mongo', mongo.close)
    const presence = await enterStore(mongo, fail)
    onStop('presence', presence.leave)
    const parts = await connectParts(config, logger)
    const app = startApp({ config, mongo, presence, logger, metrics, ...parts })
    onStop('relay', app.close)
    const identity = makeIdentify(config, { logger, metrics })
    onStop('identity', identity.close)
    return {
      handler: createDoor({
        routes: app.routes,
        identify: identity.identify,
        logger,
        metrics,
      }),
      health: {
        live: () => true,
        ready: { mongo: mongo.ping, identity: identity.ready },
        // Commands are taken without it: the relay catches up.
        optional: { kafka: async () => void (await pingKafka(parts.kafka)) },
      },
    }
  },
)
