/**
 * A producer for one partition that can be believed.
 *
 * kafkajs gives a sequence number back when a send fails, and releases its lock before the retry. Whatever is sent
 * next may then take the same number, be taken for a repeat by the broker, answered with success and dropped. So:
 * - one send is in flight, to one partition, retries included; the others wait their turn;
 * - after any failed send the producer is thrown away, and with it its producer id and sequences; sends that were
 *   waiting behind the failed one fail too, since they would otherwise overtake its repetition;
 * - a base offset that is not beyond the last one known means that nothing was written: that is a failure.
 * A failed send may still have been written. Readers must know a repeat when they see one.
 */
import type { Message, Producer, RecordMetadata } from 'kafkajs'
import { PlatformError, messageOf } from '@millrace/runtime'
import { type KafkaConnection, boundedRetries, kafkaOf } from './connect-kafka.ts'
import { toPlatformError } from './kafka-error.ts'
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

export type PartitionProducer = {
  /** Resolves once all in-sync replicas have the messages. Calls are done one after another, in order. */
  send(messages: readonly OutgoingMessage[]): Promise<{ baseOffset: bigint }>
  /** Waits for the sends already made. */
  close(): Promise<void>
}

type Live = { readonly producer: Producer; sends: number }

const ACK_TIMEOUT_MS = 10_000
const DISCONNECT_GRACE_MS = 5_000
const RETRIES = 3
const TIMESTAMP_DIGITS = 16
const METADATA_MAX_AGE_MS = 60_000
const COMPRESSION_TYPES = {
  none: kafkajs.CompressionTypes.None,
  gzip: kafkajs.CompressionTypes.GZIP,
}

const toMessage = (partition: number, { key, value, headers, timestamp }: OutgoingMessage): Message => ({
  key,
  value,
  headers,
  partition,
  // kafkajs finds the first and last time of a batch by sorting them as text: only equal lengths sort as numbers do.
  ...(timestamp === undefined ? {} : { timestamp: String(timestamp).padStart(TIMESTAMP_DIGITS, '0') }),
})

const failure = (code: string, message: string, retryable: boolean): PlatformError =>
  new PlatformError({ code, message, retryable })

const baseOffsetOf = (answers: readonly RecordMetadata[], partition: number): bigint => {
  const offset = answers.find((answer) => answer.partition === partition)?.baseOffset
  if (offset === undefined)
    throw failure('KAFKA_PRODUCER_STATE', 'Kafka acknowledged a send without its base offset', true)
  return BigInt(offset)
}

const discard = async (connection: KafkaConnection, { producer }: Live): Promise<void> => {
  const disconnected = producer
    .disconnect()
    .catch((error: unknown) =>
      connection.logger.debug({ error: messageOf(error) }, 'old producer did not disconnect cleanly'),
    )
  await settleWithin(disconnected, DISCONNECT_GRACE_MS)
}

const createLive = async (connection: KafkaConnection, partition: number): Promise<Live> => {
  const producer = kafkaOf(connection).producer({
    idempotent: true,
    allowAutoTopicCreation: false,
    maxInFlightRequests: 1,
    metadataMaxAge: METADATA_MAX_AGE_MS,
    retry: { ...boundedRetries, retries: RETRIES },
    createPartitioner: () => () => partition,
  })
  const live = { producer, sends: 0 }
  try {
    await producer.connect()
    return live
  } catch (error) {
    await discard(connection, live)
    throw error
  }
}

class OrderedProducer implements PartitionProducer {
  readonly #connection: KafkaConnection
  readonly #options: Required<PartitionProducerOptions>
  readonly #where: string
  #live: Live | null = null
  #lastOffset = -1n
  #failures = 0
  #isClosed = false
  #queue: Promise<unknown> = Promise.resolve()

  constructor(connection: KafkaConnection, options: Required<PartitionProducerOptions>) {
    this.#connection = connection
    this.#options = options
    this.#where = `${options.topic}/${options.partition}`
  }

  async send(messages: readonly OutgoingMessage[]): Promise<{ baseOffset: bigint }> {
    if (this.#isClosed)
      throw failure('KAFKA_PRODUCER_CLOSED', `The producer of ${this.#where} is closed`, false)
    if (messages.length === 0)
      throw failure('KAFKA_EMPTY_SEND', `A send to ${this.#where} has no messages`, false)
    const failuresBefore = this.#failures
    const sent = this.#queue.then(() => this.#sendInTurn(messages, failuresBefore))
    this.#queue = sent.catch(() => undefined)
    return sent
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#queue
    await this.#throwAway()
  }

  async #sendInTurn(messages: readonly OutgoingMessage[], failuresBefore: number) {
    if (this.#failures !== failuresBefore) {
      const message = `An earlier send to ${this.#where} failed, so this one was not made`
      throw failure('KAFKA_SEND_ABANDONED', message, true)
    }
    try {
      return await this.#sendNow(messages)
    } catch (error) {
      this.#failures += 1
      await this.#throwAway()
      throw toPlatformError(error, `send to ${this.#where}`)
    }
  }

  async #sendNow(messages: readonly OutgoingMessage[]): Promise<{ baseOffset: bigint }> {
    const { topic, partition, compression } = this.#options
    this.#live ??= await createLive(this.#connection, partition)
    const live = this.#live
    const answers = await live.producer.send({
      topic,
      messages: messages.map((message) => toMessage(partition, message)),
      acks: -1,
      timeout: ACK_TIMEOUT_MS,
      compression: COMPRESSION_TYPES[compression],
    })
    const baseOffset = baseOffsetOf(answers, partition)
    this.#assertBeyond(baseOffset, live)
    live.sends += 1
    this.#lastOffset = baseOffset + BigInt(messages.length - 1)
    return { baseOffset }
  }

  #assertBeyond(baseOffset: bigint, { sends }: Live): void {
    if (baseOffset > this.#lastOffset) return
    const message = `Kafka put a send to ${this.#where} at ${baseOffset}, not beyond ${this.#lastOffset}`
    // Told once: the next producer goes on from where the topic is now.
    if (sends === 0) this.#lastOffset = baseOffset
    // From a producer that had sent nothing before, it is the topic that went back: made anew, or records were lost.
    throw failure('KAFKA_OFFSET_WENT_BACK', message, sends > 0)
  }

  async #throwAway(): Promise<void> {
    const live = this.#live
    this.#live = null
    if (live) await discard(this.#connection, live)
  }
}

/** Opens no socket before the first send. */
export const makePartitionProducer = (
  connection: KafkaConnection,
  { topic, partition, compression = 'none' }: PartitionProducerOptions,
): PartitionProducer => new OrderedProducer(connection, { topic, partition, compression })
