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
import type { Producer } from 'kafkajs'
import { type KafkaConnection, boundedRetries } from './connect-kafka.ts'
import { toPlatformError } from './kafka-error.ts'
import {
  type OutgoingMessage,
  type PartitionProducerOptions,
  discardProducer,
  failure,
  openProducer,
  sendToPartition,
} from './partition-send.ts'

export type PartitionProducer = {
  /** Resolves once all in-sync replicas have the messages. Calls are done one after another, in order. */
  send(messages: readonly OutgoingMessage[]): Promise<{ baseOffset: bigint }>
  /** Waits for the sends already made. */
  close(): Promise<void>
}

type Live = { readonly producer: Producer; sends: number }

const RETRIES = 3

class OrderedProducer implements PartitionProducer {
  readonly #connection: KafkaConnection
  readonly #options: PartitionProducerOptions
  readonly #where: string
  #live: Live | null = null
  #lastOffset = -1n
  #failures = 0
  #isClosed = false
  #queue: Promise<unknown> = Promise.resolve()

  constructor(connection: KafkaConnection, options: PartitionProducerOptions) {
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
    this.#live ??= { producer: await this.#open(), sends: 0 }
    const live = this.#live
    const { baseOffset } = await sendToPartition(live.producer, this.#options, messages)
    this.#assertBeyond(baseOffset, live)
    live.sends += 1
    this.#lastOffset = baseOffset + BigInt(messages.length - 1)
    return { baseOffset }
  }

  #open(): Promise<Producer> {
    return openProducer(this.#connection, {
      partition: this.#options.partition,
      idempotent: true,
      retry: { ...boundedRetries, retries: RETRIES },
    })
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
    if (live) await discardProducer(this.#connection, live.producer)
  }
}

/** Opens no socket before the first send. */
export const makePartitionProducer = (
  connection: KafkaConnection,
  options: PartitionProducerOptions,
): PartitionProducer => new OrderedProducer(connection, options)
