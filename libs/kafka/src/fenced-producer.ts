/**
 * A producer for one partition of a compacted topic, of which one at most can write: the last to begin.
 *
 * Whoever freezes with an old value in hand would, when it wakes, put it on top of a newer one. So writers of a
 * partition share a transactional id. What fences is the first `transaction()` of a producer, nothing else: kafkajs
 * neither fences in `connect()` nor is ever fenced in a plain `send()`. Hence the order here, for each batch:
 *
 *   begin the transaction (from now on no former producer can write) ─► read ─► send inside it ─► commit
 *
 * What was read before the begin is worth nothing: a former producer may still have written something newer. The
 * transaction is a fence only; readers read uncommitted records, and the same values may come again.
 *
 * A producer that was fenced, or failed in any way, is spent: kafkajs takes back sequence numbers on a failure, and a
 * commit after a failed send answers with success. A new one is made by whoever holds the right to the partition
 * then, and it reads again.
 */
import type { Producer, Transaction } from 'kafkajs'
import { type KafkaConnection, boundedRetries } from './connect-kafka.ts'
import { isFenced, toPlatformError } from './kafka-error.ts'
import {
  type OutgoingMessage,
  type PartitionProducerOptions,
  discardProducer,
  failure,
  openProducer,
  sendToPartition,
} from './partition-send.ts'

export type FencedProducerOptions = PartitionProducerOptions & {
  /** The same for all writers of the partition, and of nothing else. */
  readonly transactionalId: string
}

export type FencedOutcome = 'published' | 'nothing' | 'fenced'

export type FencedProducer = {
  /**
   * Begins a transaction, calls `read`, sends what that gives and commits: `published` means that all of it is
   * written and committed. `fenced`: another producer has begun since; nothing was written after that. What `read`
   * throws is thrown on. One call at a time.
   */
  publish(read: () => Promise<readonly OutgoingMessage[]>): Promise<FencedOutcome>
  /** Waits for the call in hand. */
  close(): Promise<void>
}

/**
 * The broker finishes a commit in the background and refuses the next transaction meanwhile, mostly for less than
 * 30 ms: kafkajs's usual first pause of 200 ms would be nearly all that a transaction takes.
 */
const RETRIES = { ...boundedRetries, initialRetryTime: 10, maxRetryTime: 1_000, retries: 10 }

class TransactionalProducer implements FencedProducer {
  readonly #connection: KafkaConnection
  readonly #options: FencedProducerOptions
  readonly #where: string
  #producer: Producer | null = null
  #lastOffset = -1n
  #isSpent = false
  #inHand: Promise<unknown> = Promise.resolve()

  constructor(connection: KafkaConnection, options: FencedProducerOptions) {
    this.#connection = connection
    this.#options = options
    this.#where = `${options.topic}/${options.partition}`
  }

  async publish(read: () => Promise<readonly OutgoingMessage[]>): Promise<FencedOutcome> {
    if (this.#isSpent)
      throw failure('KAFKA_PRODUCER_CLOSED', `The producer of ${this.#where} is closed`, false)
    const published = this.#publish(read)
    this.#inHand = published.catch(() => undefined)
    return published
  }

  async close(): Promise<void> {
    this.#isSpent = true
    await this.#inHand
    await this.#retire()
  }

  async #publish(read: () => Promise<readonly OutgoingMessage[]>): Promise<FencedOutcome> {
    try {
      const transaction = await this.#inKafka(() => this.#begin())
      const messages = await read()
      if (messages.length > 0) await this.#inKafka(() => this.#sendAndCommit(transaction, messages))
      // Known to kafkajs only: the broker hears of a transaction with its first record.
      else await transaction.abort()
      return messages.length > 0 ? 'published' : 'nothing'
    } catch (error) {
      await this.#retire()
      if (isFenced(error)) return 'fenced'
      throw error
    }
  }

  async #begin(): Promise<Transaction> {
    const { partition, transactionalId } = this.#options
    this.#producer ??= await openProducer(this.#connection, {
      partition,
      transactionalId,
      retry: RETRIES,
      clusterRetry: RETRIES,
    })
    return this.#producer.transaction()
  }

  async #sendAndCommit(transaction: Transaction, messages: readonly OutgoingMessage[]): Promise<void> {
    const { baseOffset } = await sendToPartition(transaction, this.#options, messages)
    if (baseOffset <= this.#lastOffset) {
      const message = `Kafka put a send to ${this.#where} at ${baseOffset}, not beyond ${this.#lastOffset}`
      throw failure('KAFKA_SEND_SWALLOWED', message, true)
    }
    this.#lastOffset = baseOffset + BigInt(messages.length - 1)
    await transaction.commit()
  }

  async #inKafka<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw toPlatformError(error, `publish to ${this.#where}`)
    }
  }

  async #retire(): Promise<void> {
    this.#isSpent = true
    const producer = this.#producer
    this.#producer = null
    if (producer) await discardProducer(this.#connection, producer)
  }
}

/** Opens no socket, and fences nobody, before the first publish. */
export const makeFencedProducer = (
  connection: KafkaConnection,
  options: FencedProducerOptions,
): FencedProducer => new TransactionalProducer(connection, options)
