import type { Admin } from 'kafkajs'
import { PlatformError, pause } from '@millrace/runtime'
import { withAdmin } from './admin.ts'
import type { KafkaConnection } from './connect-kafka.ts'
import { kafkajs } from './kafkajs-shim.ts'

export type TopicConfigEntry = { readonly name: string; readonly value: string }

export type TopicCreation = {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly config: readonly TopicConfigEntry[]
}

export type ConfigDrift = {
  readonly topic: string
  readonly name: string
  readonly wanted: string
  /** Null when the broker does not know the setting. */
  readonly actual: string | null
}

export type EnsuredTopics = { readonly created: string[]; readonly drifted: ConfigDrift[] }

const CREATE_TIMEOUT_MS = 15_000

/** True when this call made it; false when somebody else was faster. */
const createTopic = (admin: Admin, spec: TopicCreation): Promise<boolean> =>
  admin.createTopics({
    timeout: CREATE_TIMEOUT_MS,
    // kafkajs would give up waiting where a slow controller is all there is to it; see whenKnown.
    waitForLeaders: false,
    topics: [
      {
        topic: spec.name,
        numPartitions: spec.partitions,
        replicationFactor: spec.replicationFactor,
        configEntries: spec.config.map(({ name, value }) => ({ name, value })),
      },
    ],
  })

/** A topic that was just made is not known to every broker at once, nor are its leaders. */
const NOT_KNOWN_YET = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'])
const KNOWN_TIMEOUT_MS = 30_000
const KNOWN_POLL_MS = 100

const isNotKnownYet = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false
  if ('type' in error && NOT_KNOWN_YET.has(String(error.type))) return true
  return error.cause !== undefined && error.cause !== error && isNotKnownYet(error.cause)
}

/** Repeats `ask` while brokers have not heard of a topic. */
const whenKnown = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
  const deadline = performance.now() + KNOWN_TIMEOUT_MS
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!isNotKnownYet(error) || performance.now() > deadline) throw error
      await pause(KNOWN_POLL_MS)
    }
  }
}

const createMissing = async (admin: Admin, specs: readonly TopicCreation[]): Promise<string[]> => {
  const existing = new Set(await admin.listTopics())
  const created: string[] = []
  for (const spec of specs) {
    if (existing.has(spec.name)) continue
    if (await createTopic(admin, spec)) created.push(spec.name)
  }
  return created
}

// A key is bound to its partition by the count: another count would split its history over two partitions.
const assertPartitionCounts = async (admin: Admin, specs: readonly TopicCreation[]): Promise<void> => {
  const { topics } = await admin.fetchTopicMetadata({ topics: specs.map(({ name }) => name) })
  const counts = new Map(topics.map(({ name, partitions }) => [name, partitions.length]))
  const wrong = specs
    .filter(({ name, partitions }) => counts.get(name) !== partitions)
    .map(({ name, partitions }) => `${name} has ${counts.get(name)} partitions instead of ${partitions}`)
  if (wrong.length === 0) return
  throw new PlatformError({ code: 'KAFKA_PARTITION_COUNT', message: wrong.join('; '), retryable: false })
}

const findDrift = async (admin: Admin, specs: readonly TopicCreation[]): Promise<ConfigDrift[]> => {
  const configured = specs.filter(({ config }) => config.length > 0)
  if (configured.length === 0) return []
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: configured.map(({ name, config }) => ({
      type: kafkajs.ConfigResourceTypes.TOPIC,
      name,
      configNames: config.map((entry) => entry.name),
    })),
  })
  const actual = new Map(
    resources.flatMap(({ resourceName, configEntries }) =>
      configEntries.map((entry) => [`${resourceName} ${entry.configName}`, entry.configValue] as const),
    ),
  )
  return configured.flatMap(({ name: topic, config }) =>
    config
      .map(({ name, value }) => ({
        topic,
        name,
        wanted: value,
        actual: actual.get(`${topic} ${name}`) ?? null,
      }))
      .filter((entry) => entry.wanted !== entry.actual),
  )
}

/**
 * Creates what is missing. An existing topic with another partition count is an error that names it and both counts;
 * one with other settings is left alone and reported.
 */
export const ensureTopics = (
  connection: KafkaConnection,
  specs: readonly TopicCreation[],
): Promise<EnsuredTopics> =>
  withAdmin(connection, {
    doing: 'create topics',
    async run(admin) {
      if (specs.length === 0) return { created: [], drifted: [] }
      const created = await createMissing(admin, specs)
      await whenKnown(() => assertPartitionCounts(admin, specs))
      const drifted = await whenKnown(() => findDrift(admin, specs))
      for (const drift of drifted) connection.logger.warn(drift, 'topic setting differs from the catalogue')
      return { created, drifted }
    },
  })
