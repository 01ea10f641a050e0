/**
 * A producer for one partition that can be believed.
 *
 * kafkajs gives a sequence number back when a send fails, and releases its lock before the retry. Whatever is sent
 * next may then take the same number, be taken for a repeat by the broker, answered with success and dropped. So:
 * - one send is in flight, to one partition, retries included; the others wait their turn, and above a bound in bytes
 *   a send fails at once (KAFKA_BUSY): nothing of it was written;
 * - after any failed send the producer is thrown away, and with it its producer id and sequences; sends that were
 *   waiting behind the failed one fail too, since they would otherwise overtake its repetition;
 * - a base offset that is not beyond the last one known means that nothing was written: that is a failure.
 * Where it is asked for, sends that wait go in one request, each still with its own base offset; they share its fate.
 * A failed send may still have been written. Readers must know a repeat when they see one.
 */
import type { Producer } from 'kafkajs'
import { makeWaitingLine, type WaitingLine } from '@millrace/runtime'
import { type KafkaConnection, boundedRetries } from './connect-kafka.ts'
import { toPlatformError } from './kafka-error.ts'
import { messageBytes } from './message-bytes.ts'
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

export type QueueBounds = {
  /** Of sends that wait for another one; one that finds nobody waiting is taken, whatever its size. */
  readonly maxWaitingBytes?: number
  /** Sends that wait go in one request of at most so many bytes; each by itself when absent. */
  readonly maxTogetherBytes?: number
}

/** Sixteen full batches; whoever waited behind more would mostly have gone before their turn. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

type Sent = { readonly baseOffset: bigint }

type Call = {
  readonly messages: readonly OutgoingMessage[]
  readonly bytes: number
  readonly sent: PromiseWithResolvers<Sent>
}

type Live = { readonly producer: Producer; sends: number }

const RETRIES = 3

class OrderedProducer implements PartitionProducer {
  readonly #connection: KafkaConnection
  readonly #options: PartitionProducerOptions & QueueBounds
  readonly #where: string
  readonly #line: WaitingLine<Call>
  #live: Live | null = null
  #lastOffset = -1n
  #isClosed = false
  /** One turn for each call. */
  #turns: Promise<void> = Promise.resolve()

  constructor(connection: KafkaConnection, options: PartitionProducerOptions & QueueBounds) {
    this.#connection = connection
    this.#options = options
    this.#where = `${options.topic}/${options.partition}`
    this.#line = makeWaitingLine({ items: Infinity, bytes: options.maxWaitingBytes ?? MAX_WAITING_BYTES })
  }

  async send(messages: readonly OutgoingMessage[]): Promise<Sent> {
    if (this.#isClosed)
      throw failure('KAFKA_PRODUCER_CLOSED', `The producer of ${this.#where} is closed`, false)
    if (messages.length === 0)
      throw failure('KAFKA_EMPTY_SEND', `A send to ${this.#where} has no messages`, false)
    const bytes = messages.reduce((sum, message) => sum + messageBytes(message), 0)
    const sent = Promise.withResolvers<Sent>()
    if (!this.#line.join({ messages, bytes, sent }))
      throw failure('KAFKA_BUSY', `Too much waits to be sent to ${this.#where}`, true)
    this.#turns = this.#turns.then(() => this.#takeTurn())
    return sent.promise
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#turns
    await this.#throwAway()
  }

  /** Never rejects: the calls do. */
  async #takeTurn(): Promise<void> {
    const together = this.#line.take({ items: Infinity, bytes: this.#options.maxTogetherBytes ?? 0 })
    // It has gone with a call before it, or failed with one.
    if (together.length === 0) return
    try {
      await this.#sendTogether(together)
    } catch (error) {
      await this.#throwAway()
      const reason = toPlatformError(error, `send to ${this.#where}`)
      for (const { sent } of together) sent.reject(reason)
      this.#abandonWaiting()
    }
  }

  async #sendTogether(calls: readonly Call[]): Promise<void> {
    let { baseOffset } = await this.#sendNow(calls.flatMap(({ messages }) => messages))
    for (const { messages, sent } of calls) {
      sent.resolve({ baseOffset })
      baseOffset += BigInt(messages.length)
    }
  }

  #abandonWaiting(): void {
    const message = `An earlier send to ${this.#where} failed, so this one was not made`
    for (const { sent } of this.#line.take({ items: Infinity, bytes: Infinity }))
      sent.reject(failure('KAFKA_SEND_ABANDONED', message, true))
  }

  async #sendNow(messages: readonly OutgoingMessage[]): Promise<Sent> {
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
    // Taken for a repeat, as above; or the topic went back, and then this send may have been written into what is new.
    if (sends > 0) throw failure('KAFKA_SEND_SWALLOWED', message, true)
    // Told once: the next producer goes on from where the topic is now.
    this.#lastOffset = baseOffset
    // From a producer that had sent nothing before, it is the topic that went back: made anew, or records were lost.
    throw failure('KAFKA_OFFSET_WENT_BACK', message, false)
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
  options: PartitionProducerOptions & QueueBounds,
): PartitionProducer => new OrderedProducer(connection, options)
