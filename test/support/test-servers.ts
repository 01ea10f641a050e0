import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalStack, type LocalStack } from '@millrace/local-stack'
import { connectMongo, type MongoConnection } from '@millrace/mongo'
import { silentLogger } from '@millrace/runtime'
import { setUp } from '../../cli/src/setup/setup.ts'
import { serversOfThisRun } from './config.ts'
import type { ServiceServers } from './service-process.ts'

/** Servers with schemas, topics and indexes, and a database that no other test file uses. */
export type TestServers = ServiceServers & {
  readonly mongoConnection: MongoConnection
  /** What `millrace setup` does; here again, after Kafka was emptied. */
  setUp(): Promise<void>
  stop(): Promise<void>
}

export type OwnKafka = {
  readonly url: string
  /** As if its disk had been lost: it comes back on the same address with nothing in it. */
  empty(): Promise<void>
  stop(): Promise<void>
}

const startKafka = (dataDir: string, port: number | undefined): Promise<LocalStack> => {
  const { mongo, registry } = serversOfThisRun()
  return startLocalStack({
    dataDir,
    ephemeral: true,
    urls: { mongo, registry },
    ...(port === undefined ? {} : { ports: { kafka: port } }),
    logger: silentLogger,
  })
}

/**
 * A broker for one test file. Topic names are the catalogue's, so two databases on one broker would read each
 * other's events as their own: whoever consumes events in a test needs a Kafka that nobody else writes to.
 */
export const startOwnKafka = async (): Promise<OwnKafka> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-test-kafka-'))
  let stack = await startKafka(dataDir, undefined)
  const url = stack.urls.kafka
  return {
    url,
    empty: async () => {
      await stack.stop()
      stack = await startKafka(dataDir, Number(url.split(':').at(-1)))
    },
    stop: async () => {
      await stack.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export const prepareServers = async (options: { name: string; kafka?: string }): Promise<TestServers> => {
  const urls = { ...serversOfThisRun(), ...(options.kafka === undefined ? {} : { kafka: options.kafka }) }
  const database = `test-${options.name}-${randomUUID().slice(0, 8)}`
  const prepare = async (): Promise<void> => {
    await setUp({ urls, database, replicationFactor: 1, logger: silentLogger, adoptTopics: true })
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
