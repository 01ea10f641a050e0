import { randomUUID } from 'node:crypto'
import { connectCodec } from '@millrace/events'
import { connectKafka, pingKafka } from '@millrace/kafka'
import {
  connectStores,
  mongoBuilds,
  mongoFeedProgresses,
  mongoFeedShadows,
  mongoLeases,
  storeAddresses,
  topicIncarnations,
} from '@millrace/mongo'
import { runService } from '@millrace/runtime'
import { loadConfig } from './config.ts'
import { watchFeeds } from './feed-watch.ts'
import { makeProducers } from './make-producers.ts'
import { startFeed } from './start-feed.ts'

/**
 * A feed that is held here has not moved for this long: its loop is stuck, a restart is the cure. A send to a broker that
 * swallows everything gives up after 165 s: that is an outage.
 */
const STUCK_AFTER_MS = 240_000

await runService(
  { name: 'changefeed', loadConfig, exit: (code) => process.exit(code) },
  async ({ config, logger, metrics, onStop }) => {
    const stores = await connectStores(storeAddresses(config, 'changefeed'))
    onStop('mongo', stores.close)
    const { events, readModels: mongo } = stores
    const codec = await connectCodec({
      registryUrl: config.SCHEMA_REGISTRY_URL,
      writes: ['processes.changed'],
    })
    const kafka = connectKafka({ brokers: config.KAFKA_BROKERS, clientId: 'changefeed', logger })
    const deps = {
      mongo,
      builds: mongoBuilds(mongo),
      progresses: mongoFeedProgresses(mongo),
      shadows: mongoFeedShadows(mongo),
      leases: mongoLeases(mongo),
      incarnationOf: topicIncarnations(events).current,
      makeProducers: ({ topic }: { readonly topic: string }) => makeProducers(kafka, topic),
      codec,
      owner: randomUUID(),
      leaseMs: config.CHANGEFEED_LEASE_MS,
      watchOf: watchFeeds(metrics),
      logger,
    }
    const feeds = config.CHANGEFEEDS.map((feed) => startFeed(deps, feed))
    onStop('feeds', async () => void (await Promise.all(feeds.map((feed) => feed.stop()))))
    const states = () => feeds.map(({ watch }) => watch.state())
    return {
      health: {
        live: () =>
          states().every(({ isHeld, lastStepAtMs }) => !isHeld || Date.now() - lastStepAtMs < STUCK_AFTER_MS),
        ready: {
          mongo: stores.ping,
          kafka: async () => void (await pingKafka(kafka)),
          feeds: () => {
            const failure = states().find((state) => state.failure !== null)?.failure
            if (failure !== undefined && failure !== null) throw new Error(failure)
          },
        },
      },
    }
  },
)
