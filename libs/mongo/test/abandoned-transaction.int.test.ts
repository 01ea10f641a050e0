import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { ClientSession } from 'mongodb'
import type { InlineChange } from '../src/inline-documents.ts'
import { connectMongo, type MongoConnection } from '../src/connect-mongo.ts'
import { mongoEventStore, type NewAnswer } from '../src/event-store.ts'
import { mongoReadModels } from '../src/read-models.ts'
import { commitOf, mongoUrl, openDatabase, rejectionOf, TENANT, type TestDatabase } from './mongo-fixture.ts'

// Of this file alone: a transaction is ended only by clients of its own name.
const CLIENT_NAME = 'abandoned-transaction-test'
const PROJECTION = 'counters.v1'

let database: TestDatabase
let dead: MongoConnection
let living: MongoConnection
beforeAll(async () => {
  database = await openDatabase('abandoned')
  const connect = (clientName: string): Promise<MongoConnection> =>
    connectMongo({ url: mongoUrl, database: database.connection.db.databaseName, clientName })
  ;[dead, living] = await Promise.all([connect(CLIENT_NAME), connect(CLIENT_NAME)])
})
afterAll(async () => {
  await Promise.all([dead.close(), living.close()])
  await database.drop()
})

const countUp = (id: string): InlineChange => ({
  projection: PROJECTION,
  id,
  change: (before) => ({ type: 'changed', fields: { count: Number(before?.['count'] ?? 0) + 1 } }),
})

/** Writes the document and never goes on. */
const abandon = async ({ client, db }: MongoConnection, id: string): Promise<ClientSession> => {
  const session = client.startSession()
  session.startTransaction()
  const documents = db.collection<{ _id: string; count: number }>(`readModel.${PROJECTION}`)
  await documents.updateOne({ _id: id }, { $set: { count: 17 } }, { session })
  return session
}

it('a transaction whose process died does not stand in the way of the next one', async () => {
  const id = `${TENANT}/${randomUUID()}`
  const store = mongoEventStore(living)
  await store.append(commitOf(randomUUID(), 1), [countUp(id)])
  const abandoned = await abandon(dead, id)
  expect(await store.append(commitOf(randomUUID(), 1), [countUp(id)])).toEqual({ type: 'appended' })
  await expect(abandoned.commitTransaction()).rejects.toMatchObject({ codeName: 'NoSuchTransaction' })
  const document = await mongoReadModels(living).findOne(PROJECTION, { tenant: TENANT, id })
  expect(document?.fields).toEqual({ count: 2 })
  await abandoned.endSession()
})

it('holds up nobody but those who want the same document', async () => {
  const idOf = (name: string): string => `${TENANT}/${name}-${randomUUID()}`
  const held = idOf('held')
  const store = mongoEventStore(living)
  await store.append(commitOf(randomUUID(), 1), [countUp(held)])
  const abandoned = await abandon(dead, held)
  let isAnswered = false
  const waiting = store.append(commitOf(randomUUID(), 1), [countUp(held)]).then((outcome) => {
    isAnswered = true
    return outcome
  })
  const appendOther = () => store.append(commitOf(randomUUID(), 1), [countUp(idOf('free'))])
  expect(await Promise.all(Array.from({ length: 6 }, appendOther))).toEqual(
    Array.from({ length: 6 }, () => ({ type: 'appended' })),
  )
  expect(await appendOther()).toEqual({ type: 'appended' })
  expect(isAnswered).toBe(false)
  expect(await waiting).toEqual({ type: 'appended' })
  await abandoned.endSession()
})

it('nor of commits that need none: those that travel with the one it holds up go on too', async () => {
  const [stream, other] = [randomUUID(), randomUUID()]
  const abandoned = dead.client.startSession()
  abandoned.startTransaction()
  const held = { _id: randomUUID(), tenant: TENANT, stream, first: 1 }
  await dead.db.collection<typeof held>('commits').insertOne(held, { session: abandoned })
  const store = mongoEventStore(living)
  const outcomes = await Promise.all([store.append(commitOf(stream, 1)), store.append(commitOf(other, 1))])
  expect(outcomes).toEqual([{ type: 'appended' }, { type: 'appended' }])
  await expect(abandoned.commitTransaction()).rejects.toMatchObject({ codeName: 'NoSuchTransaction' })
  expect((await store.load({ tenant: TENANT, stream })).version).toBe(1)
  await abandoned.endSession()
})

/** Keeps an answer under the key and never goes on. */
const abandonAnswer = async (idempotencyKey: string): Promise<ClientSession> => {
  const session = dead.client.startSession()
  session.startTransaction()
  await dead.db.collection<NewAnswer>('commits').insertOne(rejectionOf(idempotencyKey), { session })
  return session
}

it('nor of a request whose first try died while it kept its answer', async () => {
  const idempotencyKey = randomUUID()
  const abandoned = await abandonAnswer(idempotencyKey)
  const store = mongoEventStore(living)
  const stream = randomUUID()
  const again = rejectionOf(idempotencyKey)
  const kept = await store.keepAnswer({ tenant: TENANT, stream }, async () => again)
  expect(kept).toEqual({ type: 'kept', answer: again })
  const yes = await store.append(commitOf(stream, 1, { idempotencyKey }))
  expect(yes).toMatchObject({ type: 'key-used', former: { answer: { _id: again._id } } })
  await abandoned.endSession()
})

it('nor of a request that comes to a yes when it is asked again', async () => {
  const idempotencyKey = randomUUID()
  const abandoned = await abandonAnswer(idempotencyKey)
  const yes = await mongoEventStore(living).append(commitOf(randomUUID(), 1, { idempotencyKey }))
  expect(yes).toEqual({ type: 'appended' })
  await expect(abandoned.commitTransaction()).rejects.toMatchObject({ codeName: 'NoSuchTransaction' })
  await abandoned.endSession()
})
