/**
 * Reads a stretch of a partition without being in a group: what has to be known before a lane begins, or by somebody who
 * comes once and goes. kafkajs has no consumer for that, so its own cluster is asked.
 *
 * Of a compacted partition whatever is left is read: offsets have holes, and an answer may be nothing but what the cleaner
 * leaves for its own use. Then more is asked for at a time, since the next record need not fit in what was asked for.
 */
import { fetchStartOffsets } from './admin.ts'
import { type KafkaConnection, kafkaOf } from './connect-kafka.ts'
import { toPlatformError } from './kafka-error.ts'
import { type Broker, type Cluster, type FetchedPartition, makeCluster, toBatch } from './kafkajs-cluster.ts'
import type { KafkaRecord, TopicPartition } from './lane-source.ts'
import { failure } from './partition-send.ts'
import { readChunk } from './read-chunk.ts'
import { settleWithin } from './settle-within.ts'

export type PartitionRange = TopicPartition & {
  /** The oldest one that is kept unless given. */
  readonly from?: bigint
  /** Not included; what is the end when reading begins unless given. */
  readonly to?: bigint
}

const MIB = 1024 * 1024
const FIRST_MAX_BYTES = 4 * MIB
const MAX_BYTES = 64 * MIB
const WAIT_MS = 500
const READ_UNCOMMITTED = 0
const DISCONNECT_GRACE_MS = 5_000

/**
 * Records of the range in their order, as many at a time as one answer has: at most 4 MiB, unless one batch is larger.
 * Throws a PlatformError when Kafka does not answer, or has no such offset.
 */
export async function* readPartition(
  connection: KafkaConnection,
  range: PartitionRange,
): AsyncGenerator<readonly KafkaRecord[], void, undefined> {
  const where = `${range.topic}/${range.partition}`
  const from = range.from ?? (await fetchStartOffsets(connection, range.topic)).get(range.partition) ?? 0n
  const cluster = makeCluster(kafkaOf(connection))
  try {
    yield* read(await leaderOf(cluster, range), { ...range, from })
  } catch (error) {
    throw toPlatformError(error, `read ${where}`)
  } finally {
    await settleWithin(cluster.disconnect(), DISCONNECT_GRACE_MS)
  }
}

const leaderOf = async (cluster: Cluster, { topic, partition }: TopicPartition): Promise<Broker> => {
  await cluster.connect()
  await cluster.addTargetTopic(topic)
  const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
  if (nodeId === undefined)
    throw failure('KAFKA_UNKNOWN_PARTITION', `Kafka has no ${topic}/${partition}`, false)
  return cluster.findBroker({ nodeId })
}

async function* read(
  broker: Broker,
  { topic, partition, from, to }: PartitionRange & { readonly from: bigint },
): AsyncGenerator<readonly KafkaRecord[], void, undefined> {
  let next = from
  let end = to
  let maxBytes = FIRST_MAX_BYTES
  while (end === undefined || next < end) {
    const fetched = await fetch(broker, { topic, partition, offset: next, maxBytes })
    end ??= BigInt(fetched.highWatermark)
    if (fetched.messages.length === 0) {
      if (next >= BigInt(fetched.highWatermark)) return
      if (maxBytes >= MAX_BYTES)
        throw failure(
          'KAFKA_UNREADABLE',
          `Nothing can be read of ${topic}/${partition} from offset ${next} on`,
          true,
        )
      maxBytes *= 2
      continue
    }
    maxBytes = FIRST_MAX_BYTES
    const chunk = readChunk(toBatch(topic, next, fetched))
    next = chunk.endOffset
    const limit = end
    const wanted = chunk.records.filter(({ offset }) => offset < limit)
    if (wanted.length > 0) yield wanted
  }
}

type Place = TopicPartition & { readonly offset: bigint; readonly maxBytes: number }

const fetch = async (
  broker: Broker,
  { topic, partition, offset, maxBytes }: Place,
): Promise<FetchedPartition> => {
  const answer = await broker.fetch({
    ...{ maxWaitTime: WAIT_MS, minBytes: 1, maxBytes, isolationLevel: READ_UNCOMMITTED },
    topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes }] }],
  })
  const fetched = answer.responses[0]?.partitions[0]
  if (!fetched) throw failure('KAFKA_UNREADABLE', `Kafka said nothing of ${topic}/${partition}`, true)
  return fetched
}
