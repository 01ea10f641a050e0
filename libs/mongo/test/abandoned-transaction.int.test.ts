import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { ClientSession } from 'mongodb'
import { connectMongo, type MongoConnection } from '../src/connect-mongo.ts'
import { mongoEventStore } from '../src/event-store.ts'
import { commitOf, mongoUrl, openDatabase, TENANT, type TestDatabase } from './mongo-fixture.ts'

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

/** Writes a document and never goes on. */
const abandon = async ({ client, db }: MongoConnection, id: string): Promise<ClientSession> => {
  const session = client.startSession()
  session.startTransaction()
  const documents = db.collection<{ _id: string }>(`readModel.${PROJECTION}`)
  await documents.insertOne({ _id: id }, { session })
  return session
}

it('a transaction whose process died does not stand in the way of the next one', async () => {
  const id = `${TENANT}/${randomUUID()}`
  const abandoned = await abandon(dead, id)
  const change = {
    projection: PROJECTION,
    id,
    change: () => ({ type: 'changed', fields: { count: 1 } }),
  } as const
  const outcome = await mongoEventStore(living).append(commitOf(randomUUID(), 1), [change])
  expect(outcome).toEqual({ type: 'appended' })
  await expect(abandoned.commitTransaction()).rejects.toMatchObject({ codeName: 'NoSuchTransaction' })
  await abandoned.endSession()
})
