import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { PlatformError } from '@millrace/runtime'
import type { MongoConnection } from '../src/connect-mongo.ts'
import { mongoEventStore, type EventStore, type Sight } from '../src/event-store.ts'
import type { LoadedStream } from '../src/load-streams.ts'
import {
  appendAll,
  commitOf,
  openDatabase,
  rejectionOf,
  scope,
  TENANT,
  type TestDatabase,
} from './mongo-fixture.ts'

let database: TestDatabase
let connection: MongoConnection
let store: EventStore
let replica: EventStore
beforeAll(async () => {
  database = await openDatabase('keep-answer')
  connection = database.connection
  store = mongoEventStore(connection)
  replica = mongoEventStore(connection)
})
afterAll(() => database.drop())

const freshStream = (): string => `orders.order-${randomUUID()}`
const idOf = (stream: string) => ({ tenant: TENANT, stream })

/** As a decider that rejects unknown orders only. */
const unlessExists =
  (key: string) =>
  ({ tail }: Sight) =>
    Promise.resolve(tail.version === 0 ? rejectionOf(key) : undefined)

describe('an answer without events', () => {
  it('is kept and found by its key', async () => {
    const stream = freshStream()
    const rejection = rejectionOf(stream)
    const outcome = await store.keepAnswer(idOf(stream), () => Promise.resolve(rejection))
    expect(outcome).toEqual({ type: 'kept', answer: rejection })
    expect(await store.findFormer(scope(stream))).toMatchObject({ type: 'answer', answer: rejection })
  })

  it('is decided on the whole stream as it is now', async () => {
    const stream = freshStream()
    await appendAll(connection, [commitOf(stream, 1, { count: 2 }), commitOf(stream, 3)])
    let seen: LoadedStream | undefined
    await store.keepAnswer(idOf(stream), ({ tail }) => {
      seen = tail
      return Promise.resolve(undefined)
    })
    expect(seen).toEqual(await store.load(idOf(stream)))
  })

  it('is not kept when the stream has changed since a first look and a yes is due', async () => {
    const stream = freshStream()
    const { version } = await store.load(idOf(stream))
    await appendAll(connection, [commitOf(stream, version + 1)])
    expect(await store.keepAnswer(idOf(stream), unlessExists(stream))).toEqual({ type: 'changed' })
    expect(await store.findFormer(scope(stream))).toBeUndefined()
  })

  it('is a true no at one moment, also when a commit arrives while it is decided', async () => {
    const stream = freshStream()
    const outcome = await store.keepAnswer(idOf(stream), async (sight) => {
      const answer = await unlessExists(stream)(sight)
      if (sight.tail.version === 0) await appendAll(connection, [commitOf(stream, 1)])
      return answer
    })
    expect(outcome.type).toBe('kept')
    expect(await store.keepAnswer(idOf(stream), unlessExists(randomUUID()))).toEqual({ type: 'changed' })
  })

  it('gives way to a commit that used its key before', async () => {
    const stream = freshStream()
    const commit = commitOf(stream, 1, { idempotencyKey: stream })
    await appendAll(connection, [commit])
    const outcome = await store.keepAnswer(idOf(freshStream()), unlessExists(stream))
    expect(outcome).toMatchObject({
      type: 'key-used',
      former: { type: 'commit', commit: { _id: commit._id } },
    })
  })

  it('gives way to a commit that used its key while it was decided', async () => {
    const [stream, other] = [freshStream(), freshStream()]
    const commit = commitOf(other, 1, { idempotencyKey: stream })
    let decisions = 0
    const outcome = await store.keepAnswer(idOf(stream), async (sight) => {
      if (decisions++ === 0) await appendAll(connection, [commit])
      return unlessExists(stream)(sight)
    })
    expect(outcome).toMatchObject({
      type: 'key-used',
      former: { type: 'commit', commit: { _id: commit._id } },
    })
  })

  it('is the same for all who ask at once under one key', async () => {
    const stream = freshStream()
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        (index % 2 ? store : replica).keepAnswer(idOf(stream), unlessExists(stream)),
      ),
    )
    const kept = outcomes.flatMap((outcome) => (outcome.type === 'kept' ? [outcome.answer._id] : []))
    const replayed = outcomes.flatMap((outcome) =>
      outcome.type === 'key-used' && outcome.former.type === 'answer' ? [outcome.former.answer._id] : [],
    )
    expect(kept).toHaveLength(1)
    expect(replayed).toEqual(Array.from({ length: 11 }, () => kept[0]))
  })

  it('is not kept when the decision fails, and the failure comes out as it is', async () => {
    const stream = freshStream()
    const failure = new PlatformError({ code: 'REGISTRY_UNAVAILABLE', message: 'down', retryable: true })
    await expect(store.keepAnswer(idOf(stream), () => Promise.reject(failure))).rejects.toBe(failure)
    expect(await store.findFormer(scope(stream))).toBeUndefined()
  })
})

describe('expiry', () => {
  const HOUR_MS = 3_600_000

  it('is for answers: the server deletes them 48 hours after', async () => {
    const stream = freshStream()
    const before = Date.now()
    await store.keepAnswer(idOf(stream), unlessExists(stream))
    const indexes = await connection.db.collection('commits').indexes()
    expect(indexes.find(({ name }) => name === 'answerExpiry')).toMatchObject({
      key: { expiresAt: 1 },
      expireAfterSeconds: 0,
    })
    const kept = await connection.db.collection('commits').findOne({ 'idempotency.key': stream })
    const expiresAt = kept?.['expiresAt'] as Date
    expect(expiresAt.getTime()).toBeGreaterThanOrEqual(before + 48 * HOUR_MS)
    expect(expiresAt.getTime()).toBeLessThanOrEqual(Date.now() + 48 * HOUR_MS)
  })

  it('is not for commits: they have no such time', async () => {
    const commit = commitOf(freshStream(), 1)
    await appendAll(connection, [commit])
    const stored = await connection.db.collection<{ _id: string }>('commits').findOne({ _id: commit._id })
    expect(stored).not.toHaveProperty('expiresAt')
  })
})
