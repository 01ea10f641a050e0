import { randomUUID } from 'node:crypto'
import { connectMongo, type MongoConnection } from '@millrace/mongo'
import { silentLogger } from '@millrace/runtime'
import { setUp } from '../../cli/src/setup/setup.ts'
import { serversOfThisRun } from './config.ts'
import type { ServiceServers } from './service-process.ts'

/**
 * Servers with schemas, topics and indexes, and a database that no other test file uses. Topic names are the
 * catalogue's, so two databases on one broker would read each other's events as their own: whoever consumes events in
 * a test needs a Kafka that nobody else writes to.
 */
export type TestServers = ServiceServers & {
  readonly mongoConnection: MongoConnection
  /** What `millrace setup` does; here again, after Kafka was emptied. */
  setUp(): Promise<void>
  stop(): Promise<void>
}

type Options = {
  readonly name: string
  readonly kafka?: string
  readonly mongo?: string
  readonly changesTopics?: readonly string[]
}

export const prepareServers = async ({ name, changesTopics = [], ...own }: Options): Promise<TestServers> => {
  const urls = { ...serversOfThisRun(), ...own }
  const database = `test-${name}-${randomUUID().slice(0, 8)}`
  const prepare = async (): Promise<void> => {
    await setUp({
      ...{ urls, database, changesTopics, replicationFactor: 1 },
      ...{ logger: silentLogger, adoptTopics: true },
    })
  }
  await prepare()
  const mongoConnection = await connectMongo({ url: urls.mongo, database, clientName: 'test' })
  return {
    ...urls,
    database,
    mongoConnection,
    setUp: prepare,
    stop: async () => {
      await mongoConnection.db.dropDatabase()
      await mongoConnection.close()
    },
  }
}
