import { randomUUID } from 'node:crypto'
import {
  connectKafka,
  ensureTopics,
  partitionFor,
  type KafkaConnection,
  type KafkaRecord,
} from '@millrace/kafka'
import {
  mongoLeases,
  mongoOutbox,
  mongoOutboxRows,
  withTransaction,
  type MongoConnection,
  type Outbox,
  type OutboxMessage,
  type OutboxRows,
  type OutboxTopic,
} from '@millrace/mongo'
import { silentLogger } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { collectRecords, type Collector } from '../../../test/support/collect-records.ts'
import type { TestServers } from '../../../test/support/test-servers.ts'
import { startOutboxRelay, type OutboxRelay, type OutboxRelayDeps } from '../src/outbox/outbox-relay.ts'

export const LEASE_MS = 600
export const POLL_MS = 20

export type Retention = OutboxTopic['retention']['type']

/** A message as it came out of Kafka. */
export type Seen = {
  readonly key: string
  readonly value: string | null
  readonly id: string
  readonly number: number
}

const seenOf = ({ key, value, headers }: KafkaRecord): Seen => ({
  key: String(key),
  value: value && value.toString(),
  id: String(headers['outbox_id']),
  number: Number(headers['outbox_number']),
})

/** What a reader of the topic must never meet: a value of a key behind a newer one. */
export const waysBack = (seen: readonly Seen[]): string[] => {
  const last = new Map<string, number>()
  return seen.flatMap(({ key, number, value }) => {
    const before = last.get(key) ?? 0
    last.set(key, number)
    return number < before ? [`${key} went back to ${value}`] : []
  })
}

/** Each message once, where it came first. */
export const firstsOf = (seen: readonly Seen[]): Seen[] =>
  seen.filter((message, index) => seen.findIndex(({ id }) => id === message.id) === index)

export const lastOf = (seen: readonly Seen[], key: string): string | null | undefined =>
  seen.findLast((message) => message.key === key)?.value

/** A topic of one test's own, what is written to it and what comes out. */
export class OutboxDesk {
  readonly kafka: KafkaConnection
  readonly topic: OutboxTopic
  readonly rows: OutboxRows
  readonly #mongo: MongoConnection
  readonly #collector: Collector
  readonly #relays: OutboxRelay[] = []

  static async open(servers: TestServers, retention: Retention = 'compact'): Promise<OutboxDesk> {
    const topic: OutboxTopic = {
      name: `test-outbox.${randomUUID()}`,
      partitions: 1,
      maxMessageBytes: 1024 * 1024,
      retention: retention === 'time' ? { type: 'time', ms: 60_000 } : { type: retention },
    }
    const kafka = connectKafka({ brokers: [servers.kafka], clientId: 'test', logger: silentLogger })
    const config = [
      { name: 'cleanup.policy', value: retention === 'compact' ? 'compact' : 'delete' },
      { name: 'max.message.bytes', value: String(topic.maxMessageBytes) },
    ]
    await ensureTopics(kafka, [{ ...topic, replicationFactor: 1, config }])
    const collector = await collectRecords(servers.kafka, topic.name)
    return new OutboxDesk(servers.mongoConnection, { kafka, topic, collector })
  }

  private constructor(
    mongo: MongoConnection,
    parts: { kafka: KafkaConnection; topic: OutboxTopic; collector: Collector },
  ) {
    this.#mongo = mongo
    this.kafka = parts.kafka
    this.topic = parts.topic
    this.#collector = parts.collector
    this.rows = mongoOutboxRows(mongo)
  }

  startRelay(owner: string, deps: Partial<OutboxRelayDeps> = {}): OutboxRelay {
    const relay = startOutboxRelay(
      {
        rows: this.rows,
        leases: mongoLeases(this.#mongo),
        topics: [this.topic],
        owner,
        leaseMs: LEASE_MS,
        pollMs: POLL_MS,
        logger: silentLogger,
        onPublished: () => undefined,
        ...deps,
      },
      this.kafka,
    )
    this.#relays.push(relay)
    return relay
  }

  message(key: string, value: string | null, headers: Record<string, string> = {}): OutboxMessage {
    return { topic: this.topic.name, key, payload: value === null ? null : Buffer.from(value), headers }
  }

  outbox(mongo = this.#mongo): Outbox {
    return mongoOutbox(mongo, { partitionFor, topics: [this.topic] })
  }

  /** One transaction, by default on the desk's own connection. */
  add(messages: readonly OutboxMessage[], mongo = this.#mongo): Promise<void> {
    return withTransaction(mongo, (transaction) => this.outbox(mongo).add(transaction, ...messages))
  }

  addValue(key: string, value: string | null): Promise<void> {
    return this.add([this.message(key, value)])
  }

  records(): readonly KafkaRecord[] {
    return this.#collector.records()
  }

  seen(): Seen[] {
    return this.records().map(seenOf)
  }

  /** Resolves once the last record of `key` has this value. */
  async saw(key: string, value: string | null): Promise<Seen[]> {
    return eventually(
      () => this.seen(),
      (seen) => lastOf(seen, key) === value,
      { timeoutMs: 30_000 },
    )
  }

  /** Resolves with all that came, once it is so many. */
  sawMessages(count: number): Promise<Seen[]> {
    return eventually(
      () => this.seen(),
      ({ length }) => length >= count,
    )
  }

  async isPurged(): Promise<void> {
    await eventually(
      () => this.rows.waiting([this.topic.name]),
      (waiting) => waiting.length === 0,
      { timeoutMs: 30_000 },
    )
  }

  get leaseName(): string {
    return `outbox:${this.topic.name}:0`
  }

  lease() {
    return this.#mongo.db.collection<{ _id: string }>('leases').findOne({ _id: this.leaseName })
  }

  async close(): Promise<void> {
    await Promise.all(this.#relays.map((relay) => relay.stop()))
    await this.#collector.stop()
  }
}
