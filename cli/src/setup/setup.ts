// What has to be there before a service starts: schemas in the registry, topics in Kafka, indexes in MongoDB. Doing
// it again changes nothing. Services never do any of it themselves.

import { projections } from '@millrace/domain'
import { registerSchemas, topicConfigEntries, topics } from '@millrace/events'
import { connectKafka, ensureTopics, listExistingTopics, type KafkaConnection } from '@millrace/kafka'
import {
  connectMongo,
  ensureReadModelIndexes,
  ensureStoreIndexes,
  topicIncarnations,
  type MongoConnection,
} from '@millrace/mongo'
import type { Logger } from '@millrace/runtime'

export type SetupOptions = {
  readonly urls: { readonly kafka: string; readonly mongo: string; readonly registry: string }
  readonly database: string
  readonly replicationFactor: number
  readonly logger: Logger
}

export type SetupReport = { readonly schemas: number; readonly createdTopics: readonly string[] }

/** A topic the store knows but Kafka lacks gets a new incarnation first: see topics.ts of libs/mongo. */
const setUpTopics = async (kafka: KafkaConnection, mongo: MongoConnection, replicationFactor: number) => {
  const existing = new Set(await listExistingTopics(kafka))
  const incarnations = topicIncarnations(mongo)
  for (const { name, partitions } of Object.values(topics)) {
    if (!existing.has(name)) await incarnations.beforeCreate(name, partitions)
  }
  const wanted = Object.values(topics).map((spec) => ({
    name: spec.name,
    partitions: spec.partitions,
    replicationFactor,
    config: topicConfigEntries(spec),
  }))
  return ensureTopics(kafka, wanted)
}

const setUpIndexes = async (mongo: MongoConnection): Promise<void> => {
  await ensureStoreIndexes(mongo)
  for (const { name, version, indexes } of projections) {
    await ensureReadModelIndexes(mongo, {
      projection: `${name}.${version}`,
      indexes,
    })
  }
}

export const setUp = async ({
  urls,
  database,
  replicationFactor,
  logger,
}: SetupOptions): Promise<SetupReport> => {
  const kafka = connectKafka({ brokers: urls.kafka.split(','), clientId: 'millrace-setup', logger })
  const mongo = await connectMongo({ url: urls.mongo, database, clientName: 'millrace-setup' })
  try {
    const [schemas, ensured] = await Promise.all([
      registerSchemas({ registryUrl: urls.registry }),
      setUpTopics(kafka, mongo, replicationFactor),
      setUpIndexes(mongo),
    ])
    for (const drift of ensured.drifted) logger.warn({ ...drift }, 'topic differs from the catalogue')
    return { schemas: schemas.length, createdTopics: ensured.created }
  } finally {
    await mongo.close()
  }
}
