/** For this library only: what every producer of one partition does with kafkajs. */
import type { Message, Producer, ProducerConfig, RecordMetadata } from 'kafkajs'
import { PlatformError, messageOf } from '@millrace/runtime'
import { type KafkaConnection, boundedRetries, kafkaOf } from './connect-kafka.ts'
import { kafkajs } from './kafkajs-shim.ts'
import { settleWithin } from './settle-within.ts'

export type OutgoingMessage = {
  readonly key: string | Buffer
  /** Null is a tombstone. */
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string | Buffer>>
  /** UTC ms; the time of sending when absent. */
  readonly timestamp?: number
}

export type PartitionProducerOptions = {
  readonly topic: string
  readonly partition: number
  readonly compression?: 'none' | 'gzip'
}

const ACK_TIMEOUT_MS = 10_000
const DISCONNECT_GRACE_MS = 5_000
const TIMESTAMP_DIGITS = 16
const METADATA_MAX_AGE_MS = 60_000
const COMPRESSION_TYPES = {
  none: kafkajs.CompressionTypes.None,
  gzip: kafkajs.CompressionTypes.GZIP,
}

export const failure = (code: string, message: string, retryable: boolean): PlatformError =>
  new PlatformError({ code, message, retryable })

const toMessage = (partition: number, { key, value, headers, timestamp }: OutgoingMessage): Message => ({
  key,
  value,
  headers,
  partition,
  // kafkajs finds the first and last time of a batch by sorting them as text: only equal lengths sort as numbers do.
  ...(timestamp === undefined ? {} : { timestamp: String(timestamp).padStart(TIMESTAMP_DIGITS, '0') }),
})

const baseOffsetOf = (answers: readonly RecordMetadata[], partition: number): bigint => {
  const offset = answers.find((answer) => answer.partition === partition)?.baseOffset
  if (offset === undefined)
    throw failure('KAFKA_PRODUCER_STATE', 'Kafka acknowledged a send without its base offset', true)
  return BigInt(offset)
}

/** One send, acknowledged by all in-sync replicas. `sender` is a producer or its transaction. */
export const sendToPartition = async (
  sender: Pick<Producer, 'send'>,
  { topic, partition, compression = 'none' }: PartitionProducerOptions,
  messages: readonly OutgoingMessage[],
): Promise<{ baseOffset: bigint }> => {
  const answers = await sender.send({
    topic,
    messages: messages.map((message) => toMessage(partition, message)),
    acks: -1,
    timeout: ACK_TIMEOUT_MS,
    compression: COMPRESSION_TYPES[compression],
  })
  return { baseOffset: baseOffsetOf(answers, partition) }
}

export const discardProducer = async (connection: KafkaConnection, producer: Producer): Promise<void> => {
  const disconnected = producer
    .disconnect()
    .catch((error: unknown) =>
      connection.logger.debug({ error: messageOf(error) }, 'old producer did not disconnect cleanly'),
    )
  await settleWithin(disconnected, DISCONNECT_GRACE_MS)
}

type OpenOptions = Pick<ProducerConfig, 'idempotent' | 'transactionalId'> & {
  readonly partition: number
  /** Of sends. */
  readonly retry: typeof boundedRetries
  /** Of connecting and of asking for a producer id. */
  readonly clusterRetry?: typeof boundedRetries
}

/** A connected producer, or nothing left behind. */
export const openProducer = async (
  connection: KafkaConnection,
  { partition, retry, clusterRetry = boundedRetries, ...own }: OpenOptions,
): Promise<Producer> => {
  const producer = kafkaOf(connection, clusterRetry).producer({
    ...own,
    retry,
    allowAutoTopicCreation: false,
    maxInFlightRequests: 1,
    metadataMaxAge: METADATA_MAX_AGE_MS,
    createPartitioner: () => () => partition,
  })
  try {
    await producer.connect()
    return producer
  } catch (error) {
    await discardProducer(connection, producer)
    throw error
  }
}
