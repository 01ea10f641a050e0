// An outbox relay in a process of its own, that a test can kill. Told by its one argument what to do; says in its
// output when it purges.
import { connectKafka } from '@millrace/kafka'
import { connectMongo, mongoLeases, mongoOutboxRows, type OutboxTopic } from '@millrace/mongo'
import { silentLogger } from '@millrace/runtime'
import { startOutboxRelay } from '../src/outbox/outbox-relay.ts'

export type OutboxProcessOptions = {
  readonly kafka: string
  readonly mongo: string
  readonly database: string
  readonly topic: OutboxTopic
  readonly owner: string
  readonly leaseMs: number
  readonly pollMs: number
  /** Publishes, but never gets to the purge. */
  readonly holdPurge: boolean
}

export const PURGES = 'purges'

if (process.argv[1] === import.meta.filename) {
  const options = JSON.parse(process.argv[2] ?? '') as OutboxProcessOptions
  const { kafka, mongo: url, database, topic, holdPurge, ...timing } = options
  const mongo = await connectMongo({ url, database, clientName: options.owner })
  const rows = mongoOutboxRows(mongo)
  startOutboxRelay(
    {
      ...timing,
      rows: {
        ...rows,
        purge: async (shard, published) => {
          process.stdout.write(`${PURGES}\n`)
          if (holdPurge) await Promise.withResolvers<void>().promise
          await rows.purge(shard, published)
        },
      },
      leases: mongoLeases(mongo),
      topics: [topic],
      logger: silentLogger,
      onPublished: () => undefined,
    },
    connectKafka({ brokers: [kafka], clientId: options.owner, logger: silentLogger }),
  )
}
