import { connectCodec } from '@millrace/events'
import { connectKafka, pingKafka } from '@millrace/kafka'
import { connectMongo } from '@millrace/mongo'
import { runService } from '@millrace/runtime'
import { loadConfig } from './config.ts'
import { startCompactor } from './start-compactor.ts'

/**
 * Nothing has moved for this long although something waits: the loop is stuck, a restart is the cure. A send to a broker
 * that swallows everything gives up after 165 s: that is an outage.
 */
const STUCK_AFTER_MS = 240_000

await runService(
  { name: 'compactor', loadConfig, exit: (code) => process.exit(code) },
  async ({ config, logger, metrics, onStop, fail }) => {
    const mongo = await connectMongo({
      url: config.MONGO_URL,
      database: config.MONGO_DATABASE,
      clientName: 'compactor',
    })
    onStop('mongo', mongo.close)
    const codec = await connectCodec({ registryUrl: config.SCHEMA_REGISTRY_URL, writes: [] })
    const kafka = connectKafka({ brokers: config.KAFKA_BROKERS, clientId: 'compactor', logger })
    const compactor = await startCompactor({ config, mongo, kafka, codec, logger, metrics })
    for (const { crashed } of compactor.consumers) void crashed.then(fail)
    onStop('compactor', compactor.stop)
    return {
      health: {
        live: () => Date.now() - compactor.lastProgressAtMs() < STUCK_AFTER_MS,
        ready: {
          mongo: mongo.ping,
          kafka: async () => void (await pingKafka(kafka)),
          consumers: () => {
            const states = compactor.consumers.map((consumer) => consumer.state().type)
            const idle = states.find((type) => type !== 'running')
            if (idle !== undefined) throw new Error(`a consumer is ${idle}`)
          },
        },
      },
    }
  },
)
