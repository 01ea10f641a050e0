import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { orderHistory, orders, orderSummary, streamOf, type AnyContext } from '@millrace/domain'
import {
  connectCodec,
  readRecord,
  registerSchemas,
  storedTypesOf,
  toHeaders,
  toMessageKey,
  type Codec,
  type DomainEvent,
  type RecordedEvent,
} from '@millrace/events'
import {
  connectMongo,
  ensureStoreIndexes,
  mongoEventStore,
  type MongoConnection,
  type NewCommit,
  type StoredEvent,
} from '@millrace/mongo'
import { makeAggregates } from '@millrace/aggregates'
import { releases, topic } from './order-releases.ts'

const registryUrl = process.env['SCHEMA_REGISTRY_URL'] ?? ''
const mongoUrl = process.env['MONGO_URL'] ?? ''
// Its commands are a union of their own, which a fold never sees.
const context = orders as unknown as AnyContext
const id = 'o-17'
const stream = streamOf(context, id)
const placedAtMs = Date.UTC(2026, 0, 2)

/** What followed in every release: these events never changed. */
const later: readonly DomainEvent[] = [
  {
    type: 'OrderPaid',
    data: { customerId: 'c-1', method: 'card', total: { amount: 6499, currency: 'EUR' } },
  },
  { type: 'OrderShipped', data: { customerId: 'c-1', carrier: 'dhl', trackingId: null } },
]

let mongo: MongoConnection
let newest: Codec
beforeAll(async () => {
  const database = `test-evolution-${randomUUID().slice(0, 8)}`
  mongo = await connectMongo({ url: mongoUrl, database, clientName: 'aggregates-test' })
  await ensureStoreIndexes(mongo)
  const store = mongoEventStore(mongo)
  for (const [release, { catalogue, placed }] of releases.entries()) {
    await registerSchemas({ registryUrl, catalogue })
    newest = await connectCodec({ registryUrl, writes: [topic], catalogue })
    // One commit for the order, one for what followed; a tenant per release, so that everything else is equal.
    for (const commit of [commitOf(release, 1, [placed]), commitOf(release, 2, later)]) {
      expect(await store.append(commit)).toMatchObject({ type: 'appended' })
    }
  }
})
afterAll(async () => {
  await mongo.db.dropDatabase()
  await mongo.close()
})

const tenantOf = (release: number): string => `release-${release}`

const commitOf = (release: number, first: number, events: readonly DomainEvent[]): NewCommit => ({
  _id: randomUUID(),
  tenant: tenantOf(release),
  stream,
  key: id,
  first,
  topic,
  partition: 0,
  order: first,
  events: events.map((event, index) => ({
    id: `event-${first + index}`,
    type: event.type,
    occurredAt: placedAtMs + first + index,
    bytes: newest.encode(topic, event),
  })),
  correlationId: 'correlation',
  causationId: 'causation',
  actor: 'dev',
  idempotency: { principal: 'dev', route: 'test', key: randomUUID(), fingerprint: '' },
})

const load = (release: number) => mongoEventStore(mongo).load({ tenant: tenantOf(release), stream })

/** An event of the store as Kafka has it: the same bytes, and the type that it was written as. */
const readFromKafka = ({ id: eventId, type, version, occurredAt, bytes }: StoredEvent): RecordedEvent => {
  const tenant = 'demo'
  const metadata = { tenant, stream, correlationId: 'c', causationId: 'c', actor: 'dev', traceparent: null }
  return readRecord(newest, {
    topic,
    offset: BigInt(version),
    key: toMessageKey({ tenant, key: id }),
    value: bytes,
    headers: toHeaders({ ...metadata, id: eventId, type, version, occurredAt, sequence: version }),
  })
}

const replay = async (release: number): Promise<RecordedEvent[]> => {
  const { events } = await load(release)
  await newest.ensureWriters(events.map(({ bytes }) => newest.writerIdOf(bytes)))
  return events.map(readFromKafka)
}

const former = [0, 1, 2]
const last = releases.length - 1

describe('orders that were placed before their event changed', () => {
  it('are stored as they were written', async () => {
    for (const [release, { placed }] of releases.entries()) {
      const { events } = await load(release)
      expect(events.map(({ type }) => type)).toEqual([placed.type, ...later.map(({ type }) => type)])
    }
  })

  it.each(former)(
    'fold to the aggregate that release %i would have with the newest events',
    async (release) => {
      const { load: loadAggregate } = makeAggregates({ store: mongoEventStore(mongo), codec: newest })
      const [aggregate, expected] = await Promise.all(
        [release, last].map((of) => loadAggregate({ tenant: tenantOf(of), context, id })),
      )
      expect(expected).toMatchObject({ version: 3, state: { status: 'shipped', customerId: 'c-1' } })
      expect(aggregate).toMatchObject({ version: 3, order: 2 })
      expect(aggregate?.state).toStrictEqual(expected?.state)
    },
  )

  it.each(former)('are the same events to whoever reads what release %i left in Kafka', async (release) => {
    expect(await replay(release)).toStrictEqual(await replay(last))
  })

  it.each(former)('give the read models of today from the log of release %i', async (release) => {
    const [replayed, expected] = await Promise.all([release, last].map(replay))
    for (const projection of [orderSummary, orderHistory]) {
      const fold = (recorded: readonly RecordedEvent[] = []) =>
        recorded.reduce<ReturnType<typeof projection.evolve>>(
          (document, event) => projection.evolve(document as never, event, { key: event.key }),
          null,
        )
      expect(fold(expected)).toMatchObject({ orderId: id })
      expect(fold(replayed)).toStrictEqual(fold(expected))
    }
  })

  it('are all found by the newest type', async () => {
    const types = storedTypesOf('OrderPlaced', releases.at(-1)?.catalogue)
    const found = await mongo.db.collection('commits').distinct('tenant', { 'events.type': { $in: types } })
    expect(found).toEqual(releases.map((_, release) => tenantOf(release)))
  })
})
