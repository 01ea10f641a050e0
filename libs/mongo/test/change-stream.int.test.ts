import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { Long, ObjectId, type Collection, type Document } from 'mongodb'
import type { Change } from '../src/change-events.ts'
import { openChangeStream, type ChangeStream, type FeedPosition } from '../src/change-stream.ts'
import { mongoFeedProgresses } from '../src/feed-progress.ts'
import { openFeedScan, prepareFedCollection, type FeedScan } from '../src/feed-scan.ts'
import { withTransaction } from '../src/transaction.ts'
import { startMongoProxy } from '@millrace/testkit'
import { connectMongo } from '../src/connect-mongo.ts'
import { allOf } from './all-of.ts'
import { mongoUrl, mongoUrlAt, openDatabase, uniqueName, type TestDatabase } from './mongo-fixture.ts'

let database: TestDatabase
let name: string
let documents: Collection<Document & { _id: string }>
const opened: ChangeStream[] = []

beforeAll(async () => {
  database = await openDatabase('change-stream')
})
beforeEach(async () => {
  name = uniqueName('documents')
  documents = database.connection.db.collection(name)
  await prepareFedCollection(database.connection, { name, isReadModel: false })
})
afterAll(async () => {
  await Promise.all(opened.map((stream) => stream.close()))
  await database.drop()
})

const fed = () => ({ name, isReadModel: false })

const scanNow = async (): Promise<FeedScan> => {
  const progresses = mongoFeedProgresses(database.connection)
  const { epoch } = await progresses.claim(name)
  const now = await progresses.beginReconciliation(name, epoch)
  if (!now) throw new Error('claimed by another')
  return openFeedScan(database.connection, fed(), now)
}

const openAt = async (from: FeedPosition): Promise<ChangeStream> => {
  const stream = await openChangeStream(database.connection, { of: fed(), from })
  opened.push(stream)
  return stream
}

/** Until as many have come. */
const take = async (stream: ChangeStream, count: number) => {
  const changes: Change[] = []
  for (;;) {
    const batch = await stream.next()
    changes.push(...batch.changes)
    if (changes.length >= count) return { changes, to: batch.to }
  }
}

const seen = ({ operation, before, after }: Change) => [operation, before, after]

describe('a stream of changes', () => {
  it('says what each document was and is, in order, under rising ids', async () => {
    const stream = await openAt((await scanNow()).position)
    await documents.insertOne({ _id: 'a', n: 1 })
    await documents.updateOne({ _id: 'a' }, { $set: { n: 2 } })
    await documents.replaceOne({ _id: 'a' }, { n: 3 })
    await documents.deleteOne({ _id: 'a' })
    const { changes } = await take(stream, 4)
    expect(changes.map(seen)).toEqual([
      ['created', null, '{"_id":"a","n":1}'],
      ['updated', '{"_id":"a","n":1}', '{"_id":"a","n":2}'],
      ['updated', '{"_id":"a","n":2}', '{"_id":"a","n":3}'],
      ['deleted', '{"_id":"a","n":3}', null],
    ])
    const ids = changes.map(({ id }) => id)
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids).size).toBe(4)
    expect(changes.map(({ key }) => key)).toEqual(changes.map(() => ({ tenant: 'millrace', key: '"a"' })))
  })

  it('gives the changes of a transaction distinct ids, also when it goes on in the middle of one', async () => {
    const { position } = await scanNow()
    const ids = Array.from({ length: 2_500 }, (_, index) => `d-${String(index).padStart(4, '0')}`)
    await withTransaction(database.connection, async (session) => {
      await documents.insertMany(
        ids.map((_id) => ({ _id })),
        { session },
      )
    })
    const whole = await take(await openAt(position), ids.length)
    const all = whole.changes.map(({ id }) => id)
    expect(new Set(all.map((id) => id.slice(0, 16))).size).toBe(1)
    expect(all.toSorted()).toEqual(all)
    expect(new Set(all).size).toBe(ids.length)

    const part = await take(await openAt(position), 1)
    const taken = part.changes.length
    expect(taken).toBeLessThan(ids.length)
    const rest = await take(await openAt(part.to), ids.length - taken)
    expect([...part.changes, ...rest.changes].map(({ id }) => id)).toEqual(all)
  })

  it('moves on while other collections change', async () => {
    const stream = await openAt((await scanNow()).position)
    const { to: first } = await stream.next()
    await database.connection.db.collection(uniqueName('others')).insertOne({})
    const { changes, to: second } = await stream.next()
    expect(changes).toEqual([])
    expect(second.resumeToken).not.toEqual(first.resumeToken)
    expect(second.clusterTime).toEqual(first.clusterTime)
    await documents.insertOne({ _id: 'later' })
    expect((await take(await openAt(second), 1)).changes).toHaveLength(1)
  })

  it('has before or after null, and loses an update without an after', async () => {
    const { position } = await scanNow()
    await database.connection.db.command({ collMod: name, changeStreamPreAndPostImages: { enabled: false } })
    await documents.insertOne({ _id: 'a', n: 1 })
    await documents.replaceOne({ _id: 'a' }, { n: 2 })
    await documents.deleteOne({ _id: 'a' })
    const stream = await openAt(position)
    const { changes, to } = await take(stream, 3)
    expect(changes.map(seen)).toEqual([
      ['created', null, '{"_id":"a","n":1}'],
      ['updated', null, '{"_id":"a","n":2}'],
      ['deleted', null, null],
    ])
    await documents.insertOne({ _id: 'b', n: 1 })
    await documents.updateOne({ _id: 'b' }, { $set: { n: 2 } })
    await expect(take(await openAt(to), 2)).rejects.toMatchObject({ reason: 'no-post-image' })
  })

  it.each([
    ['dropped', () => documents.drop()],
    ['renamed', () => documents.rename(uniqueName('renamed'))],
  ])('ends when the collection is %s', async (_how, change) => {
    const stream = await openAt((await scanNow()).position)
    await documents.insertOne({ _id: 'a' })
    await change()
    await expect(take(stream, 2)).rejects.toMatchObject({ reason: 'collection-gone' })
  })

  it('is lost behind a token that the server cannot read', async () => {
    const { position } = await scanNow()
    const outcome = openAt({ ...position, resumeToken: { _data: '82' } })
    await expect(outcome).rejects.toMatchObject({ name: 'HistoryLostError', reason: 'history-lost' })
  })

  it.each([
    ['ChangeStreamHistoryLost', 286],
    ['ChangeStreamFatalError', 280],
  ])('is lost when the server says %s, and not when it is away', async (codeName, code) => {
    const { hostname: host, port } = new URL(mongoUrl)
    const proxy = await startMongoProxy({ host, port: Number(port) })
    const url = mongoUrlAt(proxy.host)
    const { db } = database.connection
    const connection = await connectMongo({ url, database: db.databaseName, clientName: 'mongo-test' })
    try {
      const { position } = await scanNow()
      const open = () => openChangeStream(connection, { of: fed(), from: position })
      const wanted = { name: 'aggregate', collection: name }
      proxy.fail('request', wanted, { times: 1, code, codeName })
      await expect(open()).rejects.toMatchObject({ reason: 'history-lost' })
      proxy.fail('request', wanted, { times: 1, code: 91, codeName: 'ShutdownInProgress' })
      await expect(open()).rejects.toMatchObject({ code: 'MONGO_UNAVAILABLE', retryable: true })
    } finally {
      await connection.close()
      await proxy.close()
    }
  })

  it('ends when the collection was dropped and made again while nobody looked', async () => {
    const stream = await openAt((await scanNow()).position)
    await documents.insertOne({ _id: 'a' })
    const { to } = await take(stream, 1)
    await documents.drop()
    await prepareFedCollection(database.connection, fed())
    await documents.insertOne({ _id: 'b' })
    const outcome = openAt(to).then((again) => take(again, 1))
    await expect(outcome).rejects.toMatchObject({ reason: 'collection-gone' })
  })

  it('is lost at a change that is too large for the server to say', async () => {
    const { position } = await scanNow()
    await documents.insertOne({ _id: 'a', n: 1, text: 'x'.repeat(9 * 1024 * 1024) })
    await documents.updateOne({ _id: 'a' }, { $set: { n: 2 } })
    const outcome = openAt(position).then((stream) => take(stream, 2))
    await expect(outcome).rejects.toMatchObject({ reason: 'history-lost' })
  })
})

describe('a scan', () => {
  it('has all documents as they were at its time, whatever happens meanwhile', async () => {
    const ids = Array.from({ length: 2_300 }, (_, index) => `d-${index}`)
    await documents.insertMany(ids.map((_id) => ({ _id, n: 1 })))
    const scan = await scanNow()
    const pages = scan.documents()
    const first = await pages.next()
    await documents.updateMany({}, { $set: { n: 2 } })
    await documents.deleteOne({ _id: 'd-1' })
    await documents.insertOne({ _id: 'new' })
    const rest = (await allOf(pages)).flat()
    const found = [...(first.done ? [] : first.value), ...rest]
    expect(found).toHaveLength(ids.length)
    expect(found.filter(({ text }) => !text.endsWith('"n":1}'))).toEqual([])
    const keys = ['"d-1"', '"new"', '"never"'].map((key) => `millrace/${key}`)
    expect(await scan.existing(keys)).toEqual(new Set(['millrace/"d-1"']))
  })

  it('is followed by exactly what has happened since', async () => {
    await documents.insertOne({ _id: 'before' })
    const scan = await scanNow()
    await documents.insertOne({ _id: 'behind' })
    expect((await allOf(scan.documents())).flat().map(({ key }) => key.key)).toEqual(['"before"'])
    const { changes } = await take(await openAt(scan.position), 1)
    expect(changes.map(({ key }) => key?.key)).toEqual(['"behind"'])
    expect(changes.every(({ id }) => id > scan.id)).toBe(true)
  })

  it('has pages that are small in bytes, too', async () => {
    const text = 'x'.repeat(3 * 1024 * 1024)
    await documents.insertMany(['a', 'b', 'c', 'd'].map((_id) => ({ _id, text })))
    const pages = await allOf((await scanNow()).documents())
    expect(pages.map((page) => page.length)).toEqual([2, 2])
  })

  it('finds documents of any kind of _id', async () => {
    const ids = [1, 'x', new ObjectId(), new Date(5), { a: 1 }, Long.fromString('9007199254740993'), 1.5]
    const any: Collection<Document & { _id: unknown }> = database.connection.db.collection(name)
    await any.insertMany(ids.map((_id) => ({ _id })))
    const scan = await scanNow()
    const keys = (await allOf(scan.documents())).flat().map(({ key }) => `${key.tenant}/${key.key}`)
    expect(keys).toHaveLength(ids.length)
    expect(await scan.existing(keys)).toEqual(new Set(keys))
  })
})

describe('a collection that is fed', () => {
  it('is made when there is none, and told to keep images when it is there', async () => {
    const made = uniqueName('made')
    await Promise.all(
      [1, 2].map(() => prepareFedCollection(database.connection, { name: made, isReadModel: false })),
    )
    const there = uniqueName('there')
    await database.connection.db.collection(there).insertOne({})
    await prepareFedCollection(database.connection, { name: there, isReadModel: false })
    const found = await database.connection.db
      .listCollections({ name: { $in: [made, there] } }, { nameOnly: false })
      .toArray()
    const enabled = { changeStreamPreAndPostImages: { enabled: true } }
    expect(found.map(({ options }) => options)).toEqual([enabled, enabled])
  })
})
