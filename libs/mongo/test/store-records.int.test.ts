import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ensureReadModelIndexes, ensureStoreIndexes } from '../src/indexes.ts'
import { mongoEventStore } from '../src/event-store.ts'
import { mongoPositions } from '../src/positions.ts'
import { topicIncarnations } from '../src/topics.ts'
import {
  appendAll,
  commitOf,
  openDatabase,
  publish,
  rejectionOf,
  TENANT,
  TOPIC,
  uniqueName,
  type TestDatabase,
} from './mongo-fixture.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await openDatabase('records')
})
afterAll(() => database.drop())

describe('a position', () => {
  const locate = (commitId: string, tenant = TENANT) =>
    mongoPositions(database.connection).locate({ tenant, commitId })

  it('is unpublished until the relay has carried the commit, then its last sequence', async () => {
    const commits = [commitOf('s-1', 1, { count: 2 }), commitOf('s-2', 1, { count: 3 }), commitOf('s-3', 1)]
    await appendAll(database.connection, commits)
    const ids = commits.map(({ _id }) => _id)
    const where = { topic: TOPIC, partition: 0 }
    expect(await Promise.all(ids.map((id) => locate(id)))).toEqual(
      commits.map(({ key }) => ({ type: 'unpublished', ...where, key })),
    )
    await publish(database.connection, commits, { n: 1, firstSequence: 11 })
    expect(await Promise.all(ids.map((id) => locate(id)))).toEqual(
      [12, 15, 16].map((lastSequence, index) => ({
        type: 'published',
        ...{ ...where, key: commits[index]?.key, lastSequence },
      })),
    )
  })

  it('of another tenant, of nothing and of a rejection is unknown', async () => {
    const commit = commitOf('s-4', 1)
    await appendAll(database.connection, [commit])
    const rejection = rejectionOf('a-key')
    await mongoEventStore(database.connection).keepAnswer({ tenant: TENANT, stream: 's-5' }, () =>
      Promise.resolve(rejection),
    )
    const found = await Promise.all([locate(commit._id, 'other'), locate('nothing'), locate(rejection._id)])
    expect(found).toEqual([{ type: 'unknown' }, { type: 'unknown' }, { type: 'unknown' }])
  })
})

describe('an incarnation', () => {
  const topics = () => topicIncarnations(database.connection)

  it('is 0 for a topic that was never announced', async () => {
    expect(await topics().current(uniqueName('topic'))).toBe(0)
  })

  it('is raised each time a topic is about to be created', async () => {
    const name = uniqueName('topic')
    expect(await topics().beforeCreate(name, 6)).toEqual({ incarnation: 1 })
    expect(await topics().beforeCreate(name, 6)).toEqual({ incarnation: 2 })
    expect(await topics().current(name)).toBe(2)
  })

  it('is raised by each of many at once', async () => {
    const name = uniqueName('topic')
    const raised = await Promise.all(Array.from({ length: 8 }, () => topics().beforeCreate(name, 6)))
    expect(raised.map(({ incarnation }) => incarnation).toSorted((a, b) => a - b)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ])
  })
})

describe('indexes', () => {
  const namesOf = async (collection: string): Promise<unknown[]> =>
    (await database.connection.db.collection(collection).indexes()).map(({ name, key }) => ({ name, key }))

  it('of the store are the same after a second set-up', async () => {
    const before = [await namesOf('commits'), await namesOf('publications')]
    await ensureStoreIndexes(database.connection)
    expect([await namesOf('commits'), await namesOf('publications')]).toEqual(before)
  })

  it('of a read model begin with the tenant, end with the id and serve both directions', async () => {
    const model = {
      projection: 'indexed.v1',
      indexes: [{ placedAt: 1 }, { status: 1, 'total.amount': -1 }],
    } as const
    await ensureReadModelIndexes(database.connection, model)
    await ensureReadModelIndexes(database.connection, model)
    const keys = (await database.connection.db.collection('readModel.indexed.v1').indexes()).map(
      ({ key }) => key,
    )
    expect(keys).toEqual([
      { _id: 1 },
      { _tenant: 1, _id: 1 },
      { _tenant: 1, placedAt: 1, _id: 1 },
      { _tenant: 1, status: 1, 'total.amount': -1, _id: -1 },
    ])
  })
})
