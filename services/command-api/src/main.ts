import { pingKafka } from '@millrace/kafka'
import { connectMongo } from '@millrace/mongo'
import { createDoor, developmentIdentity, runService } from '@millrace/runtime'
import { connectParts, startApp } from './app.ts'
import { loadConfig } from './config.ts'

await runService(
  { name: 'command-api', loadConfig, exit: (code) => process.exit(code) },
  async ({ config, logger, metrics, onStop }) => {
    const mongo = await connectMongo({
      url: config.MONGO_URL,
      database: config.MONGO_DATABASE,
      clientName: 'command-api',
    })
    onStop('mongo', mongo.close)
    const parts = await connectParts(config, logger)
    const app = startApp({ config, mongo, logger, metrics, ...parts })
    onStop('relay', app.close)
    return {
      handler: createDoor({
        routes: app.routes,
        identify: developmentIdentity(config.DEV_TOKEN),
        logger,
        metrics,
      }),
      health: {
        live: () => true,
        ready: { mongo: mongo.ping },
        // Commands are taken without it: the relay catches up.
        optional: { kafka: async () => void (await pingKafka(parts.kafka)) },
      },
    }
  },
)
