// What has to be there before a service starts: schemas in the registry, topics in Kafka, indexes and inline read models
// in MongoDB. Doing it again changes nothing. Services never do any of it themselves.

import { isFed, projections, versionedName } from '@millrace/domain'
import {
  changesTopic,
  connectCodec,
  isTopicName,
  makeEventCatalogue,
  registerSchemas,
  shippedDefinitions,
  topicConfigEntries,
  topics,
  type EventCatalogue,
  type TopicSpec,
} from '@millrace/events'
import {
  connectKafka,
  ensureTopics,
  fetchEndOffsets,
  listExistingTopics,
  type KafkaConnection,
} from '@millrace/kafka'
import {
  connectStores,
  ensureLaneIndexes,
  ensureReadModelIndexes,
  ensureStoreIndexes,
  mongoBuilds,
  topicIncarnations,
  type MongoConnection,
  type StoreAddresses,
  type Stores,
} from '@millrace/mongo'
import { PlatformError, type Logger } from '@millrace/runtime'
import { buildInlineReadModels, type OnFolded } from './build-inline-read-models.ts'

export type SetupOptions = {
  readonly urls: { readonly kafka: string; readonly mongo: string; readonly registry: string }
  readonly database: string
  /** Where read models live that are not inline; with the events unless given. */
  readonly readModels?: StoreAddresses['readModels']
  readonly replicationFactor: number
  /** Of changefeeds, beside those of the catalogue. */
  readonly changesTopics?: readonly string[]
  readonly logger: Logger
  /** Commits that were folded into new inline read models, of how many. */
  readonly onFolded?: OnFolded
  /** Lets a new store use topics that have records already; for tests that share one Kafka. */
  readonly adoptTopics?: boolean
}

export type SetupReport = {
  readonly schemas: number
  readonly createdTopics: readonly string[]
  /** Name and version of the inline read models that were built now. */
  readonly builtReadModels: readonly string[]
}

/** A topic that Kafka lacks or has lost records of gets a new incarnation first: see topics.ts of libs/mongo. */
/**
 * Event topics with records that this store knows nothing of belong to another store: its sequences begin at 1 again,
 * and readers would take its events for repeats.
 */
const refuseForeignTopics = async (
  kafka: KafkaConnection,
  mongo: MongoConnection,
  existing: ReadonlySet<string>,
) => {
  const incarnations = topicIncarnations(mongo)
  const numbered = Object.values(topics).filter(({ name, kind }) => kind === 'events' && existing.has(name))
  for (const { name } of numbered) {
    if ((await incarnations.current(name)) > 0) continue
    const ends = [...(await fetchEndOffsets(kafka, name)).values()]
    if (ends.every((end) => end === 0n)) continue
    const message = `Kafka has records in ${name}, and this MongoDB database knows nothing of them: they belong to another event store`
    throw new PlatformError({
      code: 'STORE_FOREIGN_TOPIC',
      message: `${message}. Use its database, or an empty Kafka`,
      retryable: false,
    })
  }
}

/** Those of the catalogue, and the ones of changefeeds that are not in it. */
const topicsToMake = ({ changesTopics = [] }: SetupOptions): readonly TopicSpec[] => {
  const others = changesTopics.filter((name) => !isTopicName(name)).map(changesTopic)
  return [...Object.values(topics), ...others]
}

/** Each topic has its own subjects, also where the records are the same. */
const catalogueOf = (specs: readonly TopicSpec[]): EventCatalogue =>
  makeEventCatalogue({
    ...shippedDefinitions(),
    recordTypes: Object.fromEntries(specs.map(({ name, recordTypes }) => [name, recordTypes])),
  })

const setUpTopics = async (kafka: KafkaConnection, mongo: MongoConnection, options: SetupOptions) => {
  const { replicationFactor, adoptTopics = false } = options
  const existing = new Set(await listExistingTopics(kafka))
  if (!adoptTopics) await refuseForeignTopics(kafka, mongo, existing)
  const incarnations = topicIncarnations(mongo)
  for (const { name, partitions } of topicsToMake(options)) {
    const isNew = !existing.has(name) || (await incarnations.isEmptied(name))
    if (isNew) await incarnations.beforeCreate(name, partitions)
  }
  const wanted = topicsToMake(options).map((spec) => ({
    name: spec.name,
    partitions: spec.partitions,
    replicationFactor,
    config: topicConfigEntries(spec),
  }))
  return ensureTopics(kafka, wanted)
}

/** Indexes of a version that is built later are made by the projector that builds it. */
const setUpReadModels = async ({ events, readModels }: Stores): Promise<void> => {
  await ensureStoreIndexes(events)
  await ensureLaneIndexes(readModels)
  const registry = mongoBuilds(readModels)
  for (const projection of projections.filter(({ kind }) => kind !== 'on-demand')) {
    const { name, version, indexes } = projection
    const home = isFed(projection) ? readModels : events
    await ensureReadModelIndexes(home, { projection: versionedName(projection), indexes })
    if (isFed(projection)) await registry.register(name, version)
  }
}

/** Throws STORE_IN_USE when inline read models have to be built and a command-api is at work. */
export const setUp = async (options: SetupOptions): Promise<SetupReport> => {
  const { urls, database, logger, onFolded } = options
  const kafka = connectKafka({ brokers: urls.kafka.split(','), clientId: 'millrace-setup', logger })
  const stores = await connectStores({
    events: { url: urls.mongo, database },
    readModels: options.readModels ?? { url: undefined, database: undefined },
    clientName: 'millrace-setup',
  })
  const { events: mongo } = stores
  try {
    const [schemas, ensured] = await Promise.all([
      registerSchemas({ registryUrl: urls.registry, catalogue: catalogueOf(topicsToMake(options)) }),
      setUpTopics(kafka, mongo, options),
      setUpReadModels(stores),
    ])
    for (const drift of ensured.drifted) logger.warn({ ...drift }, 'topic differs from the catalogue')
    const builtReadModels = await buildInlineReadModels({
      mongo,
      connectCodec: () => connectCodec({ registryUrl: urls.registry, writes: [] }),
      onFolded,
    })
    return { schemas: schemas.length, createdTopics: ensured.created, builtReadModels }
  } finally {
    await stores.close()
  }
}
