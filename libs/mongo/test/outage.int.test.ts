import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { eventually, startMongoProxy, type MongoProxy } from '@millrace/testkit'
import { connectMongo } from '../src/connect-mongo.ts'
import { mongoEventStore } from '../src/event-store.ts'
import { mongoLeases } from '../src/leases.ts'
import { translating } from '../src/mongo-error.ts'
import { mongoProjectionStore } from '../src/projection-store.ts'
import { mongoPublications } from '../src/publications.ts'
import { mongoReadModels } from '../src/read-models.ts'
import {
  commitOf,
  mongoUrl,
  mongoUrlAt,
  openDatabase,
  rejectionOf,
  scope,
  TENANT,
  TOPIC,
  uniqueName,
  type TestDatabase,
} from './mongo-fixture.ts'

// The client under test speaks through the proxy; `direct` sees what the server really holds.
let direct: TestDatabase
let proxy: MongoProxy
let database: TestDatabase
beforeAll(async () => {
  direct = await openDatabase('outage')
})
afterAll(() => direct.drop())
beforeEach(async () => {
  const { hostname, port } = new URL(mongoUrl)
  proxy = await startMongoProxy({ host: hostname, port: Number(port || 27017) })
  database = await openThroughProxy()
})
afterEach(async () => {
  await database.connection.close()
  await proxy.close()
})

const openThroughProxy = async (): Promise<TestDatabase> => {
  const connection = await connectMongo({
    url: mongoUrlAt(proxy.host),
    database: direct.connection.db.databaseName,
    clientName: 'outage-test',
  })
  return { connection, drop: () => connection.close() }
}

/** The server does what it is asked next, and its client never hears of it. */
const loseReplyTo = (name: string, collection?: string): void =>
  void proxy
    .hold('reply', { name, ...(collection === undefined ? {} : { collection }) })
    .then(({ cut }) => cut())

const UNAVAILABLE = { name: 'PlatformError', code: 'MONGO_UNAVAILABLE', retryable: true }
const idOf = (stream: string) => ({ tenant: TENANT, stream })

/** Every kind of call that services make. */
const callsOf = ({ connection }: TestDatabase) => ({
  ping: connection.ping(),
  load: mongoEventStore(connection).load(idOf('s')),
  append: mongoEventStore(connection).append(commitOf('s', 1)),
  keepAnswer: mongoEventStore(connection).keepAnswer(idOf('s'), () => Promise.resolve(rejectionOf('k'))),
  lease: mongoLeases(connection).take('lease', 'a', 1_000),
  sweep: mongoPublications(connection).sweep(
    { topic: TOPIC, partition: 0 },
    { maxEvents: 1, maxBytes: 1 },
    () => Promise.resolve(true),
  ),
  claim: mongoProjectionStore(connection).claim(
    { projection: 'p', topic: TOPIC, partition: 0 },
    { owner: 'a', incarnation: 1 },
  ),
  list: mongoReadModels(connection).list({
    ...{ projection: 'p', tenant: TENANT, conditions: [], sort: undefined, limit: 1 },
  }),
  connect: openThroughProxy(),
})

describe('while MongoDB is away', () => {
  it('every call fails as retryable, within the patience of a caller', async () => {
    proxy.goDown()
    const calls = callsOf(database)
    const startedAt = performance.now()
    const outcomes = await Promise.allSettled(Object.values<Promise<unknown>>(calls))
    const reasons = outcomes.map((outcome): unknown =>
      outcome.status === 'rejected' ? outcome.reason : outcome,
    )
    const byCall = Object.fromEntries(Object.keys(calls).map((name, index) => [name, reasons[index]]))
    expect(byCall).toMatchObject(Object.fromEntries(Object.keys(calls).map((name) => [name, UNAVAILABLE])))
    expect(performance.now() - startedAt).toBeLessThan(20_000)
  })
})

describe('a connection that ends while a command is still being sent', () => {
  const MANY_BYTES = 12_000_000
  const collection = () => database.connection.db.collection('large')
  const large = () => ({ text: 'x'.repeat(MANY_BYTES) })

  it.each<[string, () => Promise<unknown>]>([
    ['one write', () => collection().insertOne(large())],
    ['a bulk write', () => collection().insertMany([large()])],
  ])('fails as retryable: %s', async (_, send) => {
    await collection().findOne({})
    const choked = proxy.choke()
    const sending = translating(send)
    await choked
    proxy.goDown()
    await expect(sending).rejects.toMatchObject(UNAVAILABLE)
  })
})

describe('when the answer to a write is lost', () => {
  it('a commit is in once, and its caller is told so', async () => {
    const store = mongoEventStore(database.connection)
    const stream = uniqueName('stream')
    loseReplyTo('insert', 'commits')
    expect(await store.append(commitOf(stream, 1))).toEqual({ type: 'appended' })
    expect((await mongoEventStore(direct.connection).load(idOf(stream))).version).toBe(1)
  })

  it('the fate of a kept answer is found out', async () => {
    const store = mongoEventStore(database.connection)
    const key = uniqueName('key')
    loseReplyTo('commitTransaction')
    const rejection = rejectionOf(key)
    const outcome = await store.keepAnswer(idOf(uniqueName('stream')), () => Promise.resolve(rejection))
    expect(outcome).toEqual({ type: 'kept', answer: rejection })
    const kept = await mongoEventStore(direct.connection).findFormer(scope(key))
    expect(kept).toMatchObject({ type: 'answer', answer: { _id: rejection._id } })
  })

  it('a lease is still the same one', async () => {
    const name = uniqueName('lease')
    loseReplyTo('findAndModify', 'leases')
    expect(await mongoLeases(database.connection).take(name, 'a', 60_000)).toMatchObject({ epoch: 1 })
    expect(await mongoLeases(direct.connection).take(name, 'a', 60_000)).toMatchObject({ epoch: 1 })
  })
})

describe('a batch whose connection ends', () => {
  const id = () => ({ projection: uniqueName('projection'), topic: TOPIC, partition: 0 })
  const writes = [{ id: 'demo/o-1', tenant: TENANT, sequence: 1, fields: { count: 1 } }]
  const to = { nextOffset: 1, lastSequence: 1, lastId: 'e-1', lastTs: 1, watermark: null }

  it('in the middle changes nothing and fails as retryable', async () => {
    const store = mongoProjectionStore(database.connection)
    const checkpoint = id()
    const from = await store.claim(checkpoint, { owner: 'a', incarnation: 1 })
    loseReplyTo('update', `readModel.${checkpoint.projection}`)
    await expect(store.commit(checkpoint, { from, to, writes })).rejects.toMatchObject(UNAVAILABLE)
    expect(await store.read(checkpoint)).toEqual(from)
    expect(await store.find(checkpoint.projection, [{ tenant: 'demo', id: 'demo/o-1' }])).toEqual(new Map())
    expect(await store.commit(checkpoint, { from, to, writes })).toBe('applied')
  })

  it('goes through soon after, whatever other batches were cut off with it', async () => {
    const store = mongoProjectionStore(database.connection)
    const lanes = await Promise.all(
      [0, 1, 2].map(async () => {
        const checkpoint = id()
        return { checkpoint, from: await store.claim(checkpoint, { owner: 'a', incarnation: 1 }) }
      }),
    )
    // Each in a transaction of its own, which stays open on the server.
    const cut = lanes.map(async ({ checkpoint, from }) => {
      const many = Array.from({ length: 200 }, (_, index) => ({ ...writes[0], id: `demo/o-${index}` }))
      const held = proxy.hold('reply', { name: 'update', collection: `readModel.${checkpoint.projection}` })
      const commit = store.commit(checkpoint, { from, to, writes: many as typeof writes })
      const outcome = commit.catch((error: unknown) => error)
      await held
      return { outcome }
    })
    const all = await Promise.all(cut)
    // Nor can anybody abort them.
    proxy.goDown()
    for (const { outcome } of all) expect(await outcome).toMatchObject(UNAVAILABLE)
    proxy.comeBack()
    for (const { checkpoint, from } of lanes) {
      const again = () => store.commit(checkpoint, { from, to, writes })
      expect(await eventually(again, (done) => done === 'applied', { timeoutMs: 10_000 })).toBe('applied')
    }
  })

  it('at the commit is applied once: the driver asks again', async () => {
    const store = mongoProjectionStore(database.connection)
    const checkpoint = id()
    const from = await store.claim(checkpoint, { owner: 'a', incarnation: 1 })
    loseReplyTo('commitTransaction')
    expect(await store.commit(checkpoint, { from, to, writes })).toBe('applied')
    expect(await store.commit(checkpoint, { from, to, writes })).toBe('fenced')
  })
})
