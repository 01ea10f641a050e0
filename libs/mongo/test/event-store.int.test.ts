import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { MongoConnection } from '../src/connect-mongo.ts'
import { mongoEventStore, type EventStore } from '../src/event-store.ts'
import {
  appendAll,
  commitOf,
  openDatabase,
  rejectionOf,
  scope,
  TENANT,
  type TestDatabase,
} from './mongo-fixture.ts'
import { queriesDuring } from './queries-during.ts'

type Explained = { queryPlanner?: { winningPlan: unknown } }

let database: TestDatabase
let connection: MongoConnection
let store: EventStore
/** Another replica: groups and sessions of its own on the same collections. */
let replica: EventStore
beforeAll(async () => {
  database = await openDatabase('event-store')
  connection = database.connection
  store = mongoEventStore(connection)
  replica = mongoEventStore(connection)
})
afterAll(() => database.drop())

const freshStream = (): string => `orders.order-${randomUUID()}`
const idOf = (stream: string) => ({ tenant: TENANT, stream })
const typesOf = (outcomes: readonly { type: string }[]): string[] =>
  outcomes.map(({ type }) => type).toSorted()

describe('a stream', () => {
  it('that has no commits is at version 0', async () => {
    expect(await store.load(idOf(freshStream()))).toEqual({
      version: 0,
      order: 0,
      lastCommitId: undefined,
      lastCommitFirst: 0,
      events: [],
      isComplete: true,
    })
  })

  it('comes back with its events in order, with their versions and bytes', async () => {
    const stream = freshStream()
    const commits = [
      commitOf(stream, 1, { count: 3 }),
      commitOf(stream, 4, { count: 2 }),
      commitOf(stream, 6),
    ]
    await appendAll(connection, commits)
    const loaded = await store.load(idOf(stream))
    expect(loaded).toMatchObject({ version: 6, order: 6, lastCommitId: commits[2]?._id })
    expect(loaded.events).toEqual(
      commits.flatMap(({ events }) => events).map((event, index) => ({ ...event, version: index + 1 })),
    )
  })

  it('of another tenant is another stream, also when both are asked for together', async () => {
    const stream = freshStream()
    await appendAll(connection, [commitOf(stream, 1, { tenant: 'a' }), commitOf(stream, 1, { tenant: 'b' })])
    const loaded = await Promise.all(['a', 'b', 'c'].map((tenant) => store.load({ tenant, stream })))
    expect(loaded.map(({ version }) => version)).toEqual([1, 1, 0])
  })

  it('is not mixed with one whose tenant and name read the same when joined', async () => {
    await appendAll(connection, [commitOf('b/c', 1, { tenant: 'a' }), commitOf('c', 1, { tenant: 'a/b' })])
    const loaded = await Promise.all([
      store.load({ tenant: 'a', stream: 'b/c' }),
      store.load({ tenant: 'a/b', stream: 'c' }),
    ])
    expect(loaded.map(({ events }) => events.length)).toEqual([1, 1])
  })

  it('has a last version, of which the server asks a majority', async () => {
    const stream = freshStream()
    await appendAll(connection, [commitOf(stream, 1, { count: 3 }), commitOf(stream, 4)])
    const isLast = (version: number) => store.isLastVersion(idOf(stream), version)
    const queries = await queriesDuring(connection.db, async () => {
      expect(await Promise.all([3, 4].map(isLast))).toEqual([false, true])
    })
    expect(queries.map(({ readConcern }) => readConcern)).toEqual(['linearizable', 'linearizable'])
    expect(await store.isLastVersion(idOf(freshStream()), 0)).toBe(true)
  })

  it('is found by the index over streams and versions, alone or with others', async () => {
    const filterOf = (name: string) => ({ tenant: TENANT, stream: name, first: { $gt: 0 } })
    for (const names of [['one'], ['one', 'two', 'three']]) {
      const plan: Explained = await connection.db
        .collection('commits')
        .find({ $or: names.map(filterOf) })
        .sort({ tenant: 1, stream: 1, first: 1 })
        .explain('queryPlanner')
      const text = JSON.stringify(plan.queryPlanner?.winningPlan)
      expect(text).toContain('"indexName":"streamVersion"')
      expect(text).not.toContain('"stage":"COLLSCAN"')
      expect(text).not.toContain('"stage":"SORT"')
    }
  })
})

describe('a version', () => {
  it('goes to one of two concurrent commits', async () => {
    const stream = freshStream()
    const outcomes = await Promise.all([
      store.append(commitOf(stream, 1)),
      replica.append(commitOf(stream, 1)),
    ])
    expect(typesOf(outcomes)).toEqual(['appended', 'version-taken'])
    expect((await store.load(idOf(stream))).version).toBe(1)
  })

  it('goes to one of two commits that travel together', async () => {
    const stream = freshStream()
    const outcomes = await Promise.all(
      [commitOf(stream, 1), commitOf(stream, 1)].map((commit) => store.append(commit)),
    )
    expect(typesOf(outcomes)).toEqual(['appended', 'version-taken'])
  })

  it('is free for whoever lost and loads again', async () => {
    const stream = freshStream()
    const addOne = async (via: EventStore): Promise<void> => {
      for (;;) {
        const { version } = await via.load(idOf(stream))
        if ((await via.append(commitOf(stream, version + 1))).type === 'appended') return
      }
    }
    await Promise.all([store, replica, store, replica, store, replica].map(addOne))
    const { events } = await store.load(idOf(stream))
    expect(events.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6])
  })
})

describe('an idempotency key', () => {
  it('used twice gives the former commit, whatever the version then is', async () => {
    const stream = freshStream()
    const first = commitOf(stream, 1, { idempotencyKey: stream })
    await appendAll(connection, [first])
    for (const version of [1, 2]) {
      const outcome = await store.append(commitOf(stream, version, { idempotencyKey: stream }))
      expect(outcome).toMatchObject({
        type: 'key-used',
        former: { type: 'commit', commit: { _id: first._id } },
      })
    }
    expect((await store.load(idOf(stream))).version).toBe(1)
  })

  it('used by two replicas at once lets one commit in and shows it to the other', async () => {
    const stream = freshStream()
    const commits = [
      commitOf(stream, 1, { idempotencyKey: stream }),
      commitOf(stream, 1, { idempotencyKey: stream }),
    ]
    const outcomes = await Promise.all(
      commits.map((commit, index) => (index ? replica : store).append(commit)),
    )
    expect(typesOf(outcomes)).toEqual(['appended', 'key-used'])
    const winner = commits[outcomes.findIndex(({ type }) => type === 'appended')]
    expect(outcomes.find(({ type }) => type === 'key-used')).toMatchObject({
      former: { commit: { _id: winner?._id } },
    })
  })

  it('used by a rejection gives that rejection, and no event gets in', async () => {
    const stream = freshStream()
    const rejection = rejectionOf(stream)
    await store.keepAnswer(idOf(stream), () => Promise.resolve(rejection))
    const outcome = await store.append(commitOf(stream, 1, { idempotencyKey: stream }))
    expect(outcome).toMatchObject({
      type: 'key-used',
      former: { type: 'answer', answer: { _id: rejection._id, answer: rejection.answer } },
    })
    expect((await store.load(idOf(stream))).version).toBe(0)
  })

  it('belongs to tenant, principal and route', async () => {
    const stream = freshStream()
    const { idempotency, ...commit } = commitOf(stream, 1, { idempotencyKey: stream })
    await appendAll(connection, [{ ...commit, idempotency }])
    const others = [
      commitOf(stream, 1, { tenant: 'other', idempotency }),
      commitOf(stream, 2, { idempotency: { ...idempotency, principal: 'someone' } }),
      commitOf(stream, 3, { idempotency: { ...idempotency, route: '/streams/:id/events' } }),
    ]
    await expect(appendAll(connection, others)).resolves.toBeUndefined()
  })

  it('finds what it was used for, and nothing when it is unused', async () => {
    const stream = freshStream()
    const commit = commitOf(stream, 1, { idempotencyKey: stream })
    await appendAll(connection, [commit])
    expect(await store.findFormer(scope(stream))).toMatchObject({
      type: 'commit',
      commit: { _id: commit._id },
    })
    expect(await store.findFormer(scope('unused'))).toBeUndefined()
    expect(await store.findFormer({ ...scope(stream), tenant: 'other' })).toBeUndefined()
  })
})

it('each of 64 commits that travel together stands or falls by itself', async () => {
  const taken = Array.from({ length: 16 }, freshStream)
  const used = Array.from({ length: 16 }, freshStream)
  await Promise.all(taken.map((stream) => store.append(commitOf(stream, 1))))
  await Promise.all(used.map((stream) => store.append(commitOf(stream, 1, { idempotencyKey: stream }))))
  const wanted = Array.from({ length: 16 }, (_, index) => [
    { expected: 'appended', commit: commitOf(freshStream(), 1) },
    { expected: 'version-taken', commit: commitOf(taken[index] ?? '', 1) },
    { expected: 'key-used', commit: commitOf(freshStream(), 1, { idempotencyKey: used[index] ?? '' }) },
    { expected: 'appended', commit: commitOf(taken[index] ?? '', 2) },
  ]).flat()
  const outcomes = await Promise.all(wanted.map(({ commit }) => store.append(commit)))
  expect(outcomes.map(({ type }) => type)).toEqual(wanted.map(({ expected }) => expected))
  const formers = outcomes.flatMap((outcome) => (outcome.type === 'key-used' ? [outcome.former] : []))
  expect(formers.map((former) => former.type === 'commit' && former.commit.stream)).toEqual(used)
})
