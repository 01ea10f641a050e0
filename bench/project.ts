import { randomUUID } from 'node:crypto'
import { v7 as newId } from 'uuid'
import type { AnyBulkWriteOperation, Document } from 'mongodb'
import { findProjection, versionedName, type AnyProjection } from '@millrace/domain'
import { type Codec, connectCodec, toHeaders, toMessageKey, topics, type DomainEvent } from '@millrace/events'
import {
  type KafkaConnection,
  connectKafka,
  makePartitionProducer,
  partitionFor,
  type OutgoingMessage,
} from '@millrace/kafka'
import {
  type MongoConnection,
  connectMongo,
  ensureReadModelIndexes,
  mongoProjectionStore,
  type CommitBatch,
  type ProjectionStore,
} from '@millrace/mongo'
import { createMetrics, silentLogger } from '@millrace/runtime'
import { projectionMetrics, runProjection } from '../services/projector/src/run-projection.ts'
import { connectBareMongo, type BareMongo } from './bare-commits.ts'
import { compare, timed, toLine, type Bench } from './measure.ts'
import type { BenchServers } from './servers.ts'

const TOPIC = topics['orders.order.events']
const SEND = 1_000
type WriteBatch = { readonly partition: number; readonly writes: CommitBatch['writes'] }

const lives: DomainEvent[] = [
  {
    type: 'OrderPlaced',
    data: { customerId: 'c-1', currency: 'USD', lines: [{ productId: 'p-1', quantity: 2, amount: 1177 }] },
  },
  {
    type: 'OrderPaid',
    data: { customerId: 'c-1', method: 'card', total: { amount: 1177, currency: 'USD' } },
  },
  { type: 'OrderShipped', data: { customerId: 'c-1', carrier: 'post', trackingId: null } },
  { type: 'OrderDelivered', data: { customerId: 'c-1' } },
]

const projectionNamed = (name: string): AnyProjection => {
  const projection = findProjection(name)
  if (!projection) throw new Error(`no projection ${name}`)
  return projection
}

const base = projectionNamed('order-summary')

/** Orders in batches of 500 whose events interleave, as a busy shop's would. */
const fillTopic = async (servers: BenchServers, n: number): Promise<void> => {
  const codec = await connectCodec({ registryUrl: servers.registry })
  const kafka = connectKafka({ brokers: [servers.kafka], clientId: 'bench', logger: silentLogger })
  const sequences = new Array<number>(TOPIC.partitions).fill(0)
  const queues = sequences.map((): OutgoingMessage[] => [])
  const append = (order: number, step: number): void => {
    const event = lives[step]
    const key = `bench-${order}`
    const partition = partitionFor(toMessageKey({ tenant: 'demo', key }), TOPIC.partitions)
    if (!event) return
    const sequence = (sequences[partition] = (sequences[partition] ?? 0) + 1)
    const id = newId()
    const headers = toHeaders({
      id,
      type: event.type,
      tenant: 'demo',
      stream: `orders.order-${key}`,
      version: step + 1,
      occurredAt: Date.now(),
      correlationId: id,
      causationId: id,
      actor: 'dev',
      sequence,
      traceparent: null,
    })
    queues[partition]?.push({
      key: toMessageKey({ tenant: 'demo', key }),
      value: codec.encode(TOPIC.name, event),
      headers,
    })
  }
  const orders = Math.ceil(n / lives.length)
  for (let from = 0; from < orders; from += 500) {
    for (let step = 0; step < lives.length; step++) {
      for (let order = from; order < Math.min(from + 500, orders); order++) append(order, step)
    }
  }
  await Promise.all(
    queues.map(async (messages, partition) => {
      const producer = makePartitionProducer(kafka, { topic: TOPIC.name, partition })
      for (let from = 0; from < messages.length; from += SEND)
        await producer.send(messages.slice(from, from + SEND))
      await producer.close()
    }),
  )
}

/** Remembers what was written, so that the calibration can write the very same. */
const recording = (
  store: ProjectionStore,
  batches: WriteBatch[],
  onEvents: (to: CommitBatch['to'], from: CommitBatch['from']) => void,
): ProjectionStore => ({
  ...store,
  commit: async (id, batch) => {
    const outcome = await store.commit(id, batch)
    batches.push({ partition: id.partition, writes: batch.writes })
    onEvents(batch.to, batch.from)
    return outcome
  },
})

const toUpsert =
  (partition: number) =>
  (write: CommitBatch['writes'][number]): AnyBulkWriteOperation<Document & { _id: string }> => ({
    replaceOne: {
      filter: { _id: write.id },
      replacement: {
        ...write.fields,
        _tenant: write.tenant,
        _partition: partition,
        _sequence: write.sequence,
      },
      upsert: true,
    },
  })

type Rig = {
  readonly servers: BenchServers
  readonly mongo: MongoConnection
  readonly bare: BareMongo
  readonly kafka: KafkaConnection
  readonly codec: Codec
  readonly metrics: ReturnType<typeof projectionMetrics>
}

const indexed = (rig: Rig, projection: string): Promise<void> =>
  ensureReadModelIndexes(rig.mongo, { projection, indexes: base.indexes })

/** Runs the projection from offset 0 under a version of its own; the clock starts at the first claim. */
const projectOnce = async (rig: Rig, version: AnyProjection['version'], n: number) => {
  const projection: AnyProjection = { ...base, version }
  await indexed(rig, `${projection.name}.${version}`)
  const batches: WriteBatch[] = []
  let left = n
  const done = Promise.withResolvers<void>()
  const store = recording(mongoProjectionStore(rig.mongo), batches, (to, from) => {
    left -= to.lastSequence - from.lastSequence
    if (left <= 0) done.resolve()
  })
  let startedAt = 0
  const claim: ProjectionStore['claim'] = (...args) => {
    startedAt ||= performance.now()
    return store.claim(...args)
  }
  const consumer = await runProjection({
    connection: rig.kafka,
    metrics: rig.metrics,
    projection,
    build: versionedName(projection),
    codec: rig.codec,
    store: { ...store, claim },
    owner: randomUUID(),
    logger: silentLogger,
    incarnationOf: () => Promise.resolve(1),
  })
  await done.promise
  const seconds = (performance.now() - startedAt) / 1000
  await consumer.stop()
  return { seconds, batches }
}

const writeBare = async (rig: Rig, name: string, batches: readonly WriteBatch[]): Promise<number> => {
  await indexed(rig, name)
  const collection = rig.bare.collection(rig.servers.database, `readModel.${name}`)
  return timed(async () => {
    for (const { partition, writes } of batches) {
      if (writes.length > 0) await collection.bulkWrite(writes.map(toUpsert(partition)), { ordered: false })
    }
  })
}

/** order-summary live from offset 0 against bare bulkWrites of the same upserts in the same batches. */
export const benchProject: Bench = async (servers, { rounds, n = 120_000 }) => {
  await fillTopic(servers, n)
  const rig: Rig = {
    servers,
    mongo: await connectMongo({ url: servers.mongo, database: servers.database, clientName: 'bench' }),
    bare: await connectBareMongo(servers.mongo),
    kafka: connectKafka({ brokers: [servers.kafka], clientId: 'bench', logger: silentLogger }),
    codec: await connectCodec({ registryUrl: servers.registry, writes: [] }),
    metrics: projectionMetrics(createMetrics('bench')),
  }
  let batches: WriteBatch[] = []
  const ours = async (round: number): Promise<number> => {
    const run = await projectOnce(rig, `v${round + 1000}`, n)
    batches = run.batches
    return run.seconds
  }
  const calibration = (round: number): Promise<number> => writeBare(rig, `bare-${round}`, batches)
  try {
    const seconds = await compare(ours, calibration, rounds)
    return [
      toLine(
        { name: 'project', question: 'main', n, of: 'bare bulkWrite of the same upserts, same batches' },
        seconds,
      ),
    ]
  } finally {
    await rig.mongo.close()
    await rig.bare.client.close()
  }
}
