import { randomUUID } from 'node:crypto'
import { silentLogger } from '@millrace/runtime'
import { type KafkaConnection, connectKafka } from '../src/connect-kafka.ts'
import type { ConsumerEvent } from '../src/consumer-event.ts'
import { type TopicConfigEntry, ensureTopics } from '../src/ensure-topics.ts'
import type { LaneSource } from '../src/lane-source.ts'
import { type ConsumerOptions, type PartitionConsumer, startConsumer } from '../src/partition-consumer.ts'
import { makePartitionProducer } from '../src/partition-producer.ts'
import type { OutgoingMessage } from '../src/partition-send.ts'

const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',')

export const connect = (clientId = 'kafka-test'): KafkaConnection =>
  connectKafka({ brokers, clientId, logger: silentLogger })

/** Names of this test file alone. */
export const uniqueName = (name: string): string => `test-kafka.${name}.${randomUUID().slice(0, 8)}`

export const createTopic = async (
  connection: KafkaConnection,
  partitions: number,
  config: TopicConfigEntry[] = [],
): Promise<string> => {
  const name = uniqueName('topic')
  await ensureTopics(connection, [{ name, partitions, replicationFactor: 1, config }])
  return name
}

export const messageOf = (number: number, valueBytes = 0): OutgoingMessage => ({
  key: `key-${number}`,
  value: Buffer.from(String(number).padEnd(valueBytes, '.')),
  headers: { number: String(number) },
})

const MESSAGES_PER_SEND = 500

type Fill = { topic: string; partition: number; count: number; valueBytes?: number }

/** Produces messages 0 to `count`, and closes its producer. */
export const fill = async (
  connection: KafkaConnection,
  { topic, partition, count, valueBytes = 0 }: Fill,
): Promise<void> => {
  const producer = makePartitionProducer(connection, { topic, partition })
  const messages = Array.from({ length: count }, (_, number) => messageOf(number, valueBytes))
  try {
    for (let from = 0; from < count; from += MESSAGES_PER_SEND)
      await producer.send(messages.slice(from, from + MESSAGES_PER_SEND))
  } finally {
    await producer.close()
  }
}

export type Watched = { consumer: PartitionConsumer; events: ConsumerEvent[] }

const started: PartitionConsumer[] = []

/** A consumer with quick timings that `stopAll` stops. */
export const consume = async (
  options: { topic: string; source: LaneSource; groupId: string } & Partial<ConsumerOptions>,
): Promise<Watched> => {
  const events: ConsumerEvent[] = []
  const { topic, timings, ...rest } = options
  const consumer = await startConsumer({
    connection: connect(),
    topics: [topic],
    logger: silentLogger,
    timings: { sessionTimeoutMs: 6_000, endOffsetsEveryMs: 500, ...timings },
    onEvent: (event) => events.push(event),
    ...rest,
  })
  started.push(consumer)
  return { consumer, events }
}

/** To be called after each test: no consumer outlives its test. */
export const stopAll = async (): Promise<void> => {
  await Promise.all(started.splice(0).map((consumer) => consumer.stop()))
}

export const range = (from: number, to: number): bigint[] =>
  Array.from({ length: to - from }, (_, index) => BigInt(from + index))
