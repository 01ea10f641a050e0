import { randomUUID } from 'node:crypto'
import { connectCodec, readHead, type Codec, type DocumentChanged } from '@millrace/events'
import { connectKafka, type FencedProducer, type KafkaConnection, type KafkaRecord } from '@millrace/kafka'
import {
  mongoBuilds,
  mongoFeedProgresses,
  mongoFeedShadows,
  mongoLeases,
  topicIncarnations,
} from '@millrace/mongo'
import { createMetrics, silentLogger, type Logger, type Metrics } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { collectRecords, type Collector } from '../../../test/support/collect-records.ts'
import type { TestServers } from '../../../test/support/test-servers.ts'
import type { FeedDeps } from '../src/feed-deps.ts'
import type { Feed, FeedSource } from '../src/feed.ts'
import { watchFeeds } from '../src/feed-watch.ts'
import { makeProducers } from '../src/make-producers.ts'
import { startFeed, type RunningFeed } from '../src/start-feed.ts'

export const LEASE_MS = 700
const PATIENT = { timeoutMs: 15_000 }

/** A record as it came out of Kafka. */
export type Seen = DocumentChanged & { readonly id: string; readonly messageKey: string }

/** Id and key of a document, as the driver gives it. */
export type Stored = { readonly _id: unknown; readonly [field: string]: unknown }

export type Running = RunningFeed & { readonly metrics: Metrics; readonly warnings: readonly Warning[] }
export type Warning = { readonly message: string; readonly reason?: string; readonly deleted?: number }

/** What a consumer has that drops all that is not above the last id of its key. */
export const consumed = (seen: readonly Seen[]): Map<string, Seen> => {
  const last = new Map<string, Seen>()
  for (const record of seen) {
    const before = last.get(record.messageKey)
    if (!before || record.id > before.id) last.set(record.messageKey, record)
  }
  return last
}

const valuesOf = (records: Iterable<Seen>): Record<string, string> =>
  Object.fromEntries(
    [...records].flatMap(({ messageKey, after }) => (after === null ? [] : [[messageKey, after]])),
  )

const DATA: DocumentChanged = {
  ...{ source: '', key: '', operation: 'created', origin: 'change' },
  ...{ changedAt: 0, before: null, after: null },
}

/** A feed of one test's own: its source, its topic, and what comes out. */
export class FeedDesk {
  readonly feed: Feed
  readonly kafka: KafkaConnection
  readonly #servers: TestServers
  readonly #codec: Codec
  readonly #collector: Collector
  readonly #running: Running[] = []

  /** The topic is there. */
  static async open(servers: TestServers, topic: string, source: FeedSource): Promise<FeedDesk> {
    const codec = await connectCodec({ registryUrl: servers.registry, writes: ['processes.changed'] })
    // Of this schema all records are.
    await codec.ensureWriters([
      codec.writerIdOf(codec.encode('processes.changed', { type: 'DocumentChanged', data: DATA })),
    ])
    const collector = await collectRecords(servers.kafka, topic)
    const name = source.type === 'collection' ? `collection:${source.name}` : source.name
    return new FeedDesk({ servers, codec, collector, feed: { name, topic, source } })
  }

  private constructor(own: { servers: TestServers; codec: Codec; collector: Collector; feed: Feed }) {
    this.feed = own.feed
    this.#servers = own.servers
    this.#codec = own.codec
    this.#collector = own.collector
    this.kafka = connectKafka({ brokers: [own.servers.kafka], clientId: 'test', logger: silentLogger })
  }

  get db() {
    return this.#servers.mongoConnection.db
  }

  /** One replica. */
  start(change: Partial<FeedDeps> = {}): Running {
    const { mongoConnection: mongo } = this.#servers
    const metrics = createMetrics('changefeed')
    const warnings: Warning[] = []
    const deps: FeedDeps = {
      mongo,
      builds: mongoBuilds(mongo),
      progresses: mongoFeedProgresses(mongo),
      shadows: mongoFeedShadows(mongo),
      leases: mongoLeases(mongo),
      incarnationOf: topicIncarnations(mongo).current,
      makeProducers: ({ topic }) => makeProducers(this.kafka, topic),
      codec: this.#codec,
      owner: randomUUID(),
      leaseMs: LEASE_MS,
      watchOf: watchFeeds(metrics),
      logger: loggerInto(warnings),
      ...change,
    }
    const running = { ...startFeed(deps, this.feed), metrics, warnings }
    this.#running.push(running)
    return running
  }

  seen(): Seen[] {
    return this.#collector.records().map((record) => this.#read(record))
  }

  #read(record: KafkaRecord): Seen {
    if (!record.value) throw new Error('a change is never a tombstone')
    const head = readHead({ ...record, topic: 'processes.changed' })
    const { data } = this.#codec.decode('processes.changed', record.value) as { data: DocumentChanged }
    return { ...data, id: head.id, messageKey: String(record.key) }
  }

  async untilSeen(count: number): Promise<Seen[]> {
    return eventually(
      () => this.seen(),
      (seen) => seen.length >= count,
      PATIENT,
    )
  }

  /** The topic says what the collection has: by its last records, and to a consumer that goes by ids. */
  async untilLike(documents: Readonly<Record<string, string>>): Promise<void> {
    await eventually(
      () => {
        const seen = this.seen()
        const last = new Map(seen.map((record) => [record.messageKey, record]))
        return [valuesOf(last.values()), valuesOf(consumed(seen).values())]
      },
      (both) => both.every((values) => isEqual(values, documents)),
      PATIENT,
    )
  }

  async progress(): Promise<{ readonly ordinal?: number } | null> {
    const books = this.db.collection<{ _id: string; ordinal?: number }>('changefeeds')
    return books.findOne({ _id: this.feed.name })
  }

  async changeProgress(change: Record<string, unknown>): Promise<void> {
    const progress = this.db.collection<{ _id: string }>('changefeeds')
    await progress.updateOne({ _id: this.feed.name }, { $set: change })
  }

  /** Until everything that has happened is saved as published. */
  async untilSettled(feed: Running): Promise<void> {
    await eventually(
      async () => [feed.watch.state().behindSinceMs, (await this.progress())?.ordinal],
      ([behind, ordinal]) => behind === null && ordinal !== undefined,
      PATIENT,
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.map((feed) => feed.stop()))
    await this.#collector.stop()
  }
}

const isEqual = (one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean => {
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
}

const loggerInto = (warnings: Warning[]): Logger => {
  const logger: Logger = {
    ...silentLogger,
    warn: (fields: object, message: string) => void warnings.push({ ...fields, message }),
    child: () => logger,
  }
  return logger
}

/** Stops the sends of a replica at a chosen moment, until it may go on. */
export const makeGate = () => {
  const reached = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  let isArmed = false
  const pass = async (): Promise<void> => {
    if (!isArmed) return
    isArmed = false
    reached.resolve()
    await opened.promise
  }
  return { arm: () => void (isArmed = true), pass, reached: reached.promise, open: opened.resolve }
}

type Gates = { readonly [Moment in 'beforeBegin' | 'beforeSend' | 'afterSend']?: () => Promise<void> }

/** Whose sends wait: before it begins the transaction, inside of it with the messages in hand, or behind it. */
export const gatedProducer = (producer: FencedProducer, gates: Gates): FencedProducer => ({
  publish: async (read) => {
    await gates.beforeBegin?.()
    const outcome = await producer.publish(async () => {
      const messages = await read()
      await gates.beforeSend?.()
      return messages
    })
    if (outcome === 'published') await gates.afterSend?.()
    return outcome
  },
  close: () => producer.close(),
})
