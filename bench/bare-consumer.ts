// A thread with the consumers that people write without Millrace: kafkajs as it is published (libs/kafka gives that of its
// own thread a faster record encoder), the registry's client, and one write for each event. `each` writes them one at a
// time, `batch` as Kafka Connect's sink does: an ordered bulkWrite for each batch.

import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { Kafka, logLevel, type Consumer, type KafkaMessage } from 'kafkajs'
import { MongoClient, type AnyBulkWriteOperation, type Collection } from 'mongodb'
import type { BenchServers } from './servers.ts'

type Work = { readonly servers: BenchServers; readonly topic: string }

export type Consuming = {
  readonly mode: 'each' | 'batch'
  /** Its group's name too: it begins at offset 0. */
  readonly collection: string
  readonly events: number
}

/** From its first event on. */
export type Consumed = { readonly seconds: number; readonly events: number }

export type BareConsumer = {
  consume(order: Consuming): Promise<Consumed>
  close(): Promise<void>
}

export const startBareConsumer = async (work: Work): Promise<BareConsumer> => {
  // kafkajs sets timers in the past, and Node says so each time.
  const execArgv = [...process.execArgv, '--disable-warning=TimeoutNegativeWarning']
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: work, execArgv })
  await once(worker, 'message')
  return {
    consume: async (order) => {
      worker.postMessage(order)
      const [consumed] = (await once(worker, 'message')) as [Consumed]
      return consumed
    },
    close: async () => void (await worker.terminate()),
  }
}

type Summary = { _id: string; [field: string]: unknown }

type PlacedLine = { readonly quantity: number; readonly amount: number }

type Decoded = {
  readonly customerId: string
  readonly currency: string
  readonly lines: readonly PlacedLine[]
}

const laterTypes: Readonly<Record<string, { status: string; field: string }>> = {
  OrderPaid: { status: 'paid', field: 'paidAt' },
  OrderShipped: { status: 'shipped', field: 'shippedAt' },
  OrderDelivered: { status: 'delivered', field: 'deliveredAt' },
}

const header = ({ headers }: KafkaMessage, name: string): string => String(headers?.[name])

const toUpsert = async (
  registry: SchemaRegistry,
  message: KafkaMessage,
): Promise<AnyBulkWriteOperation<Summary>> => {
  const data = (await registry.decode(message.value ?? Buffer.alloc(0))) as Decoded
  const _id = String(message.key)
  const version = Number(header(message, 'ce_version'))
  const at = Date.parse(header(message, 'ce_time'))
  const later = laterTypes[header(message, 'ce_type')]
  if (later) {
    const change = { status: later.status, [later.field]: at, version }
    return { updateOne: { filter: { _id }, update: { $set: change }, upsert: true } }
  }
  const { customerId, currency, lines } = data
  const total = { amount: lines.reduce((sum, { amount }) => sum + amount, 0), currency }
  const quantity = lines.reduce((sum, line) => sum + line.quantity, 0)
  const placed = {
    customerId,
    status: 'placed',
    total,
    lineCount: lines.length,
    quantity,
    placedAt: at,
    version,
  }
  return { replaceOne: { filter: { _id }, replacement: placed, upsert: true } }
}

type Bare = { readonly registry: SchemaRegistry; readonly collection: Collection<Summary> }

const writeOne = async ({ registry, collection }: Bare, message: KafkaMessage): Promise<void> => {
  const upsert = await toUpsert(registry, message)
  if ('updateOne' in upsert) {
    const { filter, update } = upsert.updateOne
    await collection.updateOne(filter, update, { upsert: true })
  }
  if ('replaceOne' in upsert) {
    const { filter, replacement } = upsert.replaceOne
    await collection.replaceOne(filter, replacement, { upsert: true })
  }
}

const writeBatch = async (
  { registry, collection }: Bare,
  messages: readonly KafkaMessage[],
): Promise<void> => {
  const upserts = await Promise.all(messages.map((message) => toUpsert(registry, message)))
  await collection.bulkWrite(upserts, { ordered: true })
}

type Handle = (work: () => Promise<void>, events: number) => Promise<void>

const run = (
  consumer: Consumer,
  { mode, bare, handle }: { mode: Consuming['mode']; bare: Bare; handle: Handle },
) =>
  mode === 'each'
    ? consumer.run({ eachMessage: ({ message }) => handle(() => writeOne(bare, message), 1) })
    : consumer.run({
        eachBatch: ({ batch: { messages } }) => handle(() => writeBatch(bare, messages), messages.length),
      })

/** Counts what is handled from the first event on, and lets the rest of the log go by. */
const makeStopwatch = (events: number) => {
  const consumed = Promise.withResolvers<Consumed>()
  let startedAt = 0
  let handled = 0
  const handle: Handle = async (work, count) => {
    if (handled >= events) return
    startedAt ||= performance.now()
    await work()
    handled += count
    if (handled >= events)
      consumed.resolve({ seconds: (performance.now() - startedAt) / 1000, events: handled })
  }
  return { handle, consumed: consumed.promise }
}

const serve = async ({ servers, topic }: Work): Promise<void> => {
  const kafka = new Kafka({ brokers: [servers.kafka], logLevel: logLevel.NOTHING })
  const registry = new SchemaRegistry({ host: servers.registry })
  const client = await new MongoClient(servers.mongo).connect()
  const consume = async ({ mode, collection: name, events }: Consuming): Promise<Consumed> => {
    const collection = client.db(servers.database).collection<Summary>(name)
    const consumer = kafka.consumer({ groupId: name })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const { handle, consumed } = makeStopwatch(events)
    await run(consumer, { mode, bare: { registry, collection }, handle })
    const result = await consumed
    await consumer.disconnect()
    return result
  }
  parentPort?.on('message', (order: Consuming) => {
    void consume(order).then((consumed) => parentPort?.postMessage(consumed))
  })
  parentPort?.postMessage('ready')
}

if (!isMainThread) await serve(workerData as Work)
