import type { Admin } from 'kafkajs'
import { type KafkaConnection, boundedRetries, kafkaOf } from './connect-kafka.ts'
import { toPlatformError } from './kafka-error.ts'
import { settleWithin } from './settle-within.ts'

/** Offsets by partition number. */
export type PartitionOffsets = ReadonlyMap<number, bigint>

export type ClusterPing = { readonly clusterId: string; readonly brokers: number }

const DISCONNECT_GRACE_MS = 5_000
const PING_RETRIES = { ...boundedRetries, retries: 1 }

type AdminCall<Result> = {
  /** Completes the sentence "could not …". */
  readonly doing: string
  readonly retry?: typeof boundedRetries
  readonly run: (admin: Admin) => Promise<Result>
}

/** For this library only: one admin connection for one call. */
export const withAdmin = async <Result>(
  connection: KafkaConnection,
  { doing, run, retry = boundedRetries }: AdminCall<Result>,
): Promise<Result> => {
  const admin = kafkaOf(connection, retry).admin({ retry })
  try {
    await admin.connect()
    return await run(admin)
  } catch (error) {
    throw toPlatformError(error, doing)
  } finally {
    await settleWithin(admin.disconnect(), DISCONNECT_GRACE_MS)
  }
}

/** Answers from a broker, with little patience: for readiness. */
export const pingKafka = (connection: KafkaConnection): Promise<ClusterPing> =>
  withAdmin(connection, {
    doing: 'reach Kafka',
    retry: PING_RETRIES,
    async run(admin) {
      const { clusterId, brokers } = await admin.describeCluster()
      return { clusterId, brokers: brokers.length }
    },
  })

export const listExistingTopics = (connection: KafkaConnection): Promise<string[]> =>
  withAdmin(connection, { doing: 'list topics', run: (admin) => admin.listTopics() })

type OffsetRow = { readonly partition: number; readonly low: string; readonly high: string }

const toOffsets = (rows: readonly OffsetRow[], end: 'low' | 'high'): PartitionOffsets =>
  new Map(rows.map((row) => [row.partition, BigInt(row[end])]))

const fetchTopicOffsets = (
  connection: KafkaConnection,
  topic: string,
  end: 'low' | 'high',
): Promise<PartitionOffsets> =>
  withAdmin(connection, {
    doing: `read the offsets of ${topic}`,
    run: async (admin) => toOffsets(await admin.fetchTopicOffsets(topic), end),
  })

/** By partition, the offset that the next record will get. */
export const fetchEndOffsets = (connection: KafkaConnection, topic: string): Promise<PartitionOffsets> =>
  fetchTopicOffsets(connection, topic, 'high')

/** The same for several topics over one connection. */
export const fetchEndOffsetsOf = (
  connection: KafkaConnection,
  topics: readonly string[],
): Promise<ReadonlyMap<string, PartitionOffsets>> =>
  withAdmin(connection, {
    doing: 'read end offsets',
    async run(admin) {
      const ends = new Map<string, PartitionOffsets>()
      for (const topic of topics) ends.set(topic, toOffsets(await admin.fetchTopicOffsets(topic), 'high'))
      return ends
    },
  })

/** By partition, the offset of the oldest record that is kept. */
export const fetchStartOffsets = (connection: KafkaConnection, topic: string): Promise<PartitionOffsets> =>
  fetchTopicOffsets(connection, topic, 'low')

/** What a group has committed; partitions without a commit are absent. */
export const fetchCommittedOffsets = (
  connection: KafkaConnection,
  groupId: string,
  topic: string,
): Promise<PartitionOffsets> =>
  withAdmin(connection, {
    doing: `read the committed offsets of ${groupId}`,
    async run(admin) {
      const topics = await admin.fetchOffsets({ groupId, topics: [topic] })
      const rows = topics.flatMap(({ partitions }) => partitions)
      const committed = rows.filter(({ offset }) => BigInt(offset) >= 0n)
      return new Map(committed.map(({ partition, offset }) => [partition, BigInt(offset)]))
    },
  })

/** How many members a consumer group has; 0 for one that there is not. */
export const countGroupMembers = (connection: KafkaConnection, groupId: string): Promise<number> =>
  withAdmin(connection, {
    doing: `describe ${groupId}`,
    async run(admin) {
      const { groups } = await admin.describeGroups([groupId])
      return groups[0]?.members.length ?? 0
    },
  })

/** Forgets a group and what it has committed; one that there is not is fine. */
export const deleteGroup = (connection: KafkaConnection, groupId: string): Promise<void> =>
  withAdmin(connection, {
    doing: `delete ${groupId}`,
    async run(admin) {
      const { groups } = await admin.listGroups()
      if (groups.some((group) => group.groupId === groupId)) await admin.deleteGroups([groupId])
    },
  })
