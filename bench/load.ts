import { Binary, type Document } from 'mongodb'
import { v7 as newId } from 'uuid'
import { makeAggregates, makeSnapshotter, type AggregateRef } from '@millrace/aggregates'
import { catalog } from '@millrace/domain'
import { connectCodec, topics, type Codec, type DomainEvent } from '@millrace/events'
import { partitionFor } from '@millrace/kafka'
import { connectMongo, mongoEventStore, mongoSnapshotStore } from '@millrace/mongo'
import { connectBareMongo } from './bare-commits.ts'
import { compare, inFlight, timed, toLine, type Bench, type BenchLine } from './measure.ts'

const TOPIC = topics['catalog.product.events']
const EVENTS = 10_000
/** Behind the snapshot. */
const TAIL = 50
const KEYS = ['lamp', 'chair', 'table', 'shelf']
const refs = KEYS.map((id): AggregateRef => ({ tenant: 'demo', context: catalog, id }))

const eventAt = (version: number): DomainEvent => {
  const price = { amount: version, currency: 'EUR' }
  return version === 1
    ? { type: 'ProductAdded', data: { name: 'lamp', category: 'home', price } }
    : { type: 'ProductRepriced', data: { price } }
}

type Versions = { readonly from: number; readonly to: number }

/** One event each, exactly as command-api stores them. */
const makeCommits = (codec: Codec, key: string, { from, to }: Versions): (Document & { _id: string })[] =>
  Array.from({ length: to - from }, (_, index) => {
    const first = from + index + 1
    const event = eventAt(first)
    const occurredAt = Date.now()
    const request = newId()
    return {
      _id: newId(),
      tenant: 'demo',
      stream: `catalog.product-${key}`,
      key,
      first,
      topic: TOPIC.name,
      partition: partitionFor(`demo/${key}`, TOPIC.partitions),
      order: occurredAt * 1000 + first,
      events: [
        { id: newId(), type: event.type, occurredAt, bytes: new Binary(codec.encode(TOPIC.name, event)) },
      ],
      correlationId: request,
      causationId: request,
      actor: 'dev',
      idempotency: {
        principal: 'dev',
        route: 'POST /:aggregates/:id/:command',
        key: request,
        fingerprint: 'f'.repeat(43),
      },
      last: first,
      committedAt: new Date(occurredAt),
    }
  })

type Load = (ref: AggregateRef) => Promise<{ readonly version: number }>

/** Seconds of `n` loads, of the aggregates in turn, so many at the same time. */
const loads = (load: Load, n: number, width: number): Promise<number> =>
  timed(() =>
    inFlight(n, width, async (index) => {
      const ref = refs[index % refs.length]
      const loaded = ref && (await load(ref))
      if (loaded?.version !== EVENTS) throw new Error(`loaded version ${loaded?.version}`)
    }),
  )

/** Loading long aggregates from their snapshots and the events behind, against loading them from the events alone. */
export const benchLoad: Bench = async (servers, { rounds, n = 200 }) => {
  const mongo = await connectMongo({ url: servers.mongo, database: servers.database, clientName: 'bench' })
  const bare = await connectBareMongo(servers.mongo)
  const commits = bare.collection(servers.database, 'commits')
  const codec = await connectCodec({ registryUrl: servers.registry })
  const store = mongoEventStore(mongo)
  const snapshots = mongoSnapshotStore(mongo)
  const withSnapshots = makeAggregates({ store, codec, snapshots })
  const without = makeAggregates({ store, codec })
  const write = async (versions: Versions): Promise<void> => {
    for (const key of KEYS) await commits.insertMany(makeCommits(codec, key, versions))
  }
  /** A load without a snapshot takes so long that one of each aggregate tells the rate. */
  const ask = async (question: string, width: number): Promise<BenchLine> => {
    const few = refs.length
    const seconds = await compare(
      () => loads(withSnapshots.load, n, width),
      async () => ((await loads(without.load, few, width)) / few) * n,
      rounds,
    )
    const of = `loads of all 10,000 events, ${width} at a time`
    return toLine({ name: 'load', question, n, of }, seconds)
  }
  try {
    await write({ from: 0, to: EVENTS - TAIL })
    const snapshotter = makeSnapshotter({ store, codec, snapshots, now: Date.now })
    for (const ref of refs) await snapshotter.rebuild(ref)
    await write({ from: EVENTS - TAIL, to: EVENTS })
    return [await ask('main', refs.length), await ask('one at a time', 1)]
  } finally {
    await bare.client.close()
    await mongo.close()
  }
}
