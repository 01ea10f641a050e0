import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { collectionsOf } from '../src/collections.ts'
import { maxOutboxBytes, mongoOutbox, outboxTopics, type Outbox, type OutboxMessage } from '../src/outbox.ts'
import { mongoOutboxRows, type OutboxRows } from '../src/outbox-rows.ts'
import { connectMongo, type MongoConnection } from '../src/connect-mongo.ts'
import { withTransaction } from '../src/transaction.ts'
import { mongoUrl, openDatabase, uniqueName, type TestDatabase } from './mongo-fixture.ts'

const DAY_MS = 24 * 60 * 60 * 1_000
const ALL = { maxRows: 10_000, maxBytes: 10 * 1024 * 1024 }
const LARGE_TOPIC = 'large'

const topicsOf = (...names: string[]) =>
  names.map((name) => ({
    name,
    partitions: 2,
    maxMessageBytes: (name === LARGE_TOPIC ? 4 : 1) * 1024 * 1024,
    retention: { type: 'compact' as const },
  }))

// Keys start with the number of their partition.
const partitionFor = (key: string): number => Number(key.slice(0, 1))
const texts = (rows: readonly { payload: Buffer | null }[]): (string | null)[] =>
  rows.map(({ payload }) => payload && payload.toString())

describe('the outbox', () => {
  let database: TestDatabase
  let connection: MongoConnection
  let topic: string
  let outbox: Outbox
  let rows: OutboxRows

  beforeAll(async () => {
    database = await openDatabase('outbox')
    connection = database.connection
    rows = mongoOutboxRows(connection)
  })
  afterAll(() => database.drop())

  /** A topic without rows. */
  const open = (): void => {
    topic = uniqueName('topic')
    outbox = mongoOutbox(connection, { partitionFor, topics: topicsOf(topic, LARGE_TOPIC) })
  }

  const message = (key: string, text: string | null, headers?: Record<string, string>): OutboxMessage => ({
    topic,
    key,
    payload: text === null ? null : Buffer.from(text),
    ...(headers === undefined ? {} : { headers }),
  })

  const add = (...messages: OutboxMessage[]): Promise<void> =>
    withTransaction(connection, (transaction) => outbox.add(transaction, ...messages))

  const waitingRows = (partition = 0) => rows.next({ topic, partition }, ALL)
  const keyDocument = (key: string) => collectionsOf(connection).outboxKeys.findOne({ _id: { topic, key } })

  it('keeps what a committed transaction has added', async () => {
    open()
    await add(message('1-a', 'x', { ce_id: '7' }))
    const [row, ...others] = await waitingRows(1)
    expect(others).toEqual([])
    expect(row).toMatchObject({ key: '1-a', payload: Buffer.from('x'), headers: { ce_id: '7' } })
    expect(Math.abs(Date.now() - (row?.addedAt.getTime() ?? 0))).toBeLessThan(60_000)
    expect(await waitingRows(0)).toEqual([])
  })

  it('keeps tombstones', async () => {
    open()
    await add(message('0-a', null))
    expect(texts(await waitingRows())).toEqual([null])
  })

  it('has nothing of a transaction that was rolled back, not even a number', async () => {
    open()
    const fault = new Error('changed my mind')
    const work = withTransaction(connection, async (transaction) => {
      await outbox.add(transaction, message('0-a', 'x'))
      throw fault
    })
    await expect(work).rejects.toBe(fault)
    expect([await waitingRows(), await keyDocument('0-a')]).toEqual([[], null])
  })

  it('refuses to add outside of a transaction', async () => {
    open()
    const added = connection.client.withSession((session) => outbox.add(session, message('0-a', 'x')))
    await expect(added).rejects.toMatchObject({ code: 'OUTBOX_NO_TRANSACTION', retryable: false })
  })

  it('refuses topics that no relay publishes, event topics among them', async () => {
    open()
    const stray = { ...message('0-a', 'x'), topic: 'nowhere' }
    await expect(add(message('0-a', 'x'), stray)).rejects.toMatchObject({ code: 'OUTBOX_UNKNOWN_TOPIC' })
    expect(await waitingRows()).toEqual([])
    expect(outboxTopics.map(({ name }) => name)).toContain('process.state')
    expect(outboxTopics.map(({ name }) => name)).not.toContain('orders.order.events')
  })

  it('refuses key, headers and payload of more than 900 KiB together, and then writes nothing', async () => {
    open()
    const fixed = { key: '0-a', headers: { ce_id: 'ü'.repeat(10) } }
    const room = 900 * 1024 - '0-a'.length - 'ce_id'.length - 20
    const ofBytes = (bytes: number): OutboxMessage => ({ topic, ...fixed, payload: Buffer.alloc(bytes) })
    await expect(add(message('0-a', 'x'), ofBytes(room + 1))).rejects.toMatchObject({
      code: 'OUTBOX_MESSAGE_TOO_LARGE',
      retryable: false,
    })
    expect(await waitingRows()).toEqual([])
    await add(ofBytes(room))
    expect(await waitingRows()).toHaveLength(1)
  })

  it('takes larger ones for topics that do', async () => {
    open()
    const [, large] = topicsOf(topic, LARGE_TOPIC)
    const payload = Buffer.alloc(3 * 1024 * 1024)
    expect(large && maxOutboxBytes(large)).toBeGreaterThan(payload.length)
    await add({ topic: LARGE_TOPIC, key: '0-a', payload })
    expect(await rows.next({ topic: LARGE_TOPIC, partition: 0 }, ALL)).toHaveLength(1)
  })

  it('keeps the order of one call, key by key', async () => {
    open()
    await add(message('0-a', 'a1'), message('0-b', 'b1'), message('0-a', 'a2'), message('0-a', 'a3'))
    await add(message('0-a', 'a4'))
    const all = await waitingRows()
    expect(texts(all.filter(({ key }) => key === '0-a'))).toEqual(['a1', 'a2', 'a3', 'a4'])
    expect(texts(all.filter(({ key }) => key === '0-b'))).toEqual(['b1'])
    expect(new Set(all.map(({ id }) => id)).size).toBe(5)
  })

  it('never shows a row before all those of its key that were added earlier, by whatever connection', async () => {
    open()
    const keys = ['0-a', '0-b']
    const other = await connectMongo({
      url: mongoUrl,
      database: connection.db.databaseName,
      clientName: 'other',
    })
    const write = async (through: MongoConnection, name: string): Promise<void> => {
      const own = mongoOutbox(through, { partitionFor, topics: topicsOf(topic) })
      for (let count = 0; count < 25; count += 1)
        for (const key of keys)
          await withTransaction(through, (transaction) =>
            own.add(transaction, message(key, `${name}/${String(count).padStart(3, '0')}`)),
          )
    }
    const writers = [connection, other, connection, other].map((through, at) => write(through, `w${at}`))
    const writing = Promise.all(writers).then(() => false)
    const seen = new Map<string, (string | null)[]>()
    let goesOn = true
    let looks = 0
    while (goesOn) {
      goesOn = await Promise.race([writing, Promise.resolve(true)])
      const read = await waitingRows()
      for (const key of keys) {
        const now = texts(read.filter((row) => row.key === key))
        const before = seen.get(key) ?? []
        expect(now.slice(0, before.length)).toEqual(before)
        seen.set(key, now)
      }
      looks += 1
    }
    await other.close()
    expect(looks).toBeGreaterThan(10)
    for (const order of seen.values()) {
      expect(order).toHaveLength(100)
      for (const name of ['w0', 'w1', 'w2', 'w3']) {
        const own = order.filter((text) => text?.startsWith(name))
        expect(own).toEqual(own.toSorted())
      }
    }
  })

  it('lets nobody add to a key behind a transaction that is still open', async () => {
    open()
    let tries = 0
    let second: Promise<void> = Promise.resolve()
    await withTransaction(connection, async (transaction) => {
      await outbox.add(transaction, message('0-a', 'first'))
      second = withTransaction(connection, (other) => {
        tries += 1
        return outbox.add(other, message('0-a', 'second'))
      })
      await eventually(
        () => tries,
        (count) => count >= 3,
      )
      expect(await waitingRows()).toEqual([])
    })
    await second
    expect(texts(await waitingRows())).toEqual(['first', 'second'])
  })

  it('goes on above the last number of a key after its rows were purged', async () => {
    open()
    await add(message('0-a', '1'))
    const [first] = await waitingRows()
    await rows.purge({ topic, partition: 0 }, first ? [first] : [])
    await add(message('0-a', '2'))
    const [second] = await waitingRows()
    expect(second?.number).toBeGreaterThan(first?.number ?? Infinity)
  })

  it('goes on above the last number of a key when the clock of the server has gone back', async () => {
    open()
    await add(message('0-a', '1'))
    const ahead = (Date.now() + DAY_MS) * 1_000
    const { outboxKeys } = collectionsOf(connection)
    await outboxKeys.updateOne({ _id: { topic, key: '0-a' } }, { $set: { number: ahead } })
    await add(message('0-a', '2'), message('0-a', '3'))
    expect((await waitingRows()).map(({ number }) => number).slice(1)).toEqual([ahead + 1, ahead + 2])
    expect((await keyDocument('0-a'))?.expiresAt.getTime()).toBe(Math.floor(ahead / 1_000) + DAY_MS)
  })

  it('forgets a key a day after its last number, and still goes on above it', async () => {
    open()
    await add(message('0-a', '1'))
    const [first] = await waitingRows()
    const number = first?.number ?? 0
    const forgotten = await keyDocument('0-a')
    expect(forgotten).toMatchObject({ number, expiresAt: new Date(Math.floor(number / 1_000) + DAY_MS) })
    const indexes = await collectionsOf(connection).outboxKeys.indexes()
    expect(indexes).toContainEqual(expect.objectContaining({ key: { expiresAt: 1 }, expireAfterSeconds: 0 }))
    await collectionsOf(connection).outboxKeys.deleteOne({ _id: { topic, key: '0-a' } })
    await add(message('0-a', '2'))
    expect(texts(await waitingRows())).toEqual(['1', '2'])
  })

  it('gives the oldest rows first, within the limits, but one at least', async () => {
    open()
    for (const text of ['1', '2', '3', '4']) await add(message(`0-${text}`, text.repeat(1_000)))
    const shard = { topic, partition: 0 }
    const keys = async (maxRows: number, maxBytes: number) =>
      (await rows.next(shard, { maxRows, maxBytes })).map(({ key }) => key)
    expect(await keys(3, ALL.maxBytes)).toEqual(['0-1', '0-2', '0-3'])
    expect(await keys(10, 2_500)).toEqual(['0-1', '0-2'])
    expect(await keys(10, 10)).toEqual(['0-1'])
  })

  it('gives the newest row of each key, of the keys that have waited longest', async () => {
    open()
    for (const [key, text] of ['a1', 'b1', 'a2', 'c1', 'a3', 'd1'].map((text) => [`0-${text[0]}`, text]))
      await add(message(key ?? '', text ?? ''))
    await add(message('1-x', 'elsewhere'))
    const all = await waitingRows()
    const newest = await rows.newest({ topic, partition: 0 }, ALL)
    expect(texts(newest)).toEqual(['a3', 'b1', 'c1', 'd1'])
    expect(newest[0]?.oldest).toBe(all[0]?.number)
    expect(texts(await rows.newest({ topic, partition: 0 }, { ...ALL, maxRows: 3 }))).toEqual(['a3', 'b1'])
    expect(texts(await rows.newest({ topic, partition: 0 }, { ...ALL, maxBytes: 10 }))).toEqual(['a3'])
  })

  it('purges what was published and what that stood for, and nothing else', async () => {
    open()
    await add(message('0-a', 'a1'), message('0-a', 'a2'), message('0-b', 'b1'), message('1-a', 'other'))
    const newest = await rows.newest({ topic, partition: 0 }, ALL)
    await add(message('0-a', 'a3'), message('0-c', 'c1'))
    await rows.purge({ topic, partition: 0 }, newest)
    expect(texts(await waitingRows())).toEqual(['a3', 'c1'])
    expect(texts(await waitingRows(1))).toEqual(['other'])
    await rows.purge({ topic, partition: 0 }, newest)
    expect(texts(await waitingRows())).toEqual(['a3', 'c1'])
  })

  it('tells which shards wait, and since when, at a cost that does not grow with the rows', async () => {
    open()
    await add(...Array.from({ length: 1_000 }, (_, at) => message(`0-${at}`, 'x')))
    await add(...Array.from({ length: 1_000 }, (_, at) => message(`1-${at}`, 'x')))
    await connection.db.setProfilingLevel('all')
    const waiting = await rows.waiting([uniqueName('empty'), topic])
    await connection.db.setProfilingLevel('off')
    const [oldest] = await waitingRows(1)
    expect(waiting.toSorted((a, b) => a.partition - b.partition)).toEqual([
      { topic, partition: 0, since: expect.any(Date) },
      { topic, partition: 1, since: oldest?.addedAt },
    ])
    const [profiled] = await connection.db
      .collection('system.profile')
      .find({ ns: `${connection.db.databaseName}.outbox`, 'command.aggregate': 'outbox' })
      .toArray()
    expect(profiled).toMatchObject({ docsExamined: 0 })
    expect(profiled?.['keysExamined']).toBeLessThan(10)
    expect(await rows.waiting([])).toEqual([])
  })

  it('counts its rows', async () => {
    open()
    const before = await rows.count()
    await add(message('0-a', '1'), message('0-b', '2'))
    expect(await rows.count()).toBe(before + 2)
  })
})
