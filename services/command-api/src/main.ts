import { pingKafka } from '@millrace/kafka'
import { connectMongo } from '@millrace/mongo'
import { openDoor, runService } from '@millrace/runtime'
import { connectParts, startApp } from './app.ts'
import { loadConfig } from './config.ts'
import { describeApi } from './http/describe-api.ts'
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
    const door = openDoor(
      { config, logger, metrics, onStop },
      { routes: app.routes, document: describeApi(app.routes) },
    )
    return {
      ...door,
      health: {
        live: () => true,
        ready: { mongo: mongo.ping, identity: door.ready },
        // Commands are taken without it: the relay catches up.
        optional: { kafka: async () => void (await pingKafka(parts.kafka)) },
      },
    }
  },
)
