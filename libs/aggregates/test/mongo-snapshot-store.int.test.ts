import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  connectMongo,
  ensureStoreIndexes,
  mongoSnapshotStore,
  mongoStreamStarts,
  type MongoConnection,
} from '@millrace/mongo'
import { aSnapshot, testSnapshotStore } from './snapshot-store-contract.ts'

type Explained = { readonly queryPlanner?: { readonly winningPlan: unknown } }

/** Not the plans that were rejected. */
const winningPlanOf = (explained: unknown): unknown => (explained as Explained).queryPlanner?.winningPlan

describe('snapshots in MongoDB', () => {
  let connection: MongoConnection
  beforeAll(async () => {
    const database = `test-snapshots-${randomUUID().slice(0, 8)}`
    connection = await connectMongo({
      url: process.env['MONGO_URL'] ?? '',
      database,
      clientName: 'aggregates-test',
    })
    await ensureStoreIndexes(connection)
  })
  afterAll(async () => {
    await connection.db.dropDatabase()
    await connection.close()
  })

  testSnapshotStore(() => mongoSnapshotStore(connection))

  it('are not found under what is no version', async () => {
    const stream = { tenant: 'demo', stream: 'catalog.product-planted' }
    const planted = ['7', Number.NaN, -Infinity, -1, 0, null, {}].map((version) => ({ ...stream, version }))
    await connection.db.collection('snapshots').insertMany(planted)
    const store = mongoSnapshotStore(connection)
    expect(await store.closest(stream)).toBeUndefined()
    expect(await store.list(stream)).toEqual([])
    expect(await store.newest([stream])).toEqual([undefined])
  })

  it('tell what is due from the index alone, and find the closest by it', async () => {
    const stream = { tenant: 'demo', stream: 'catalog.product-explained' }
    await mongoSnapshotStore(connection).save(aSnapshot(stream, 1))
    const snapshots = connection.db.collection('snapshots')
    const due = await snapshots
      .aggregate([
        {
          $match: {
            $or: [
              {
                tenant: { $eq: 'demo' },
                stream: { $in: [stream.stream, 'b'] },
                version: { $gt: 0, $lte: Number.MAX_SAFE_INTEGER },
              },
            ],
          },
        },
        { $sort: { tenant: 1, stream: 1, version: -1 } },
        {
          $group: {
            _id: { tenant: '$tenant', stream: '$stream' },
            mark: { $first: { version: '$version', stateVersion: '$stateVersion', takenAt: '$takenAt' } },
          },
        },
      ])
      .explain('queryPlanner')
    const dueText = JSON.stringify(winningPlanOf(due))
    expect(dueText).toContain('"indexName":"streamSnapshots"')
    expect(dueText).not.toMatch(/"stage":"(FETCH|SORT)"/)
    const closest = await snapshots
      .find({ ...stream, version: { $gt: 0, $lte: 5 } })
      .sort({ version: -1 })
      .explain('queryPlanner')
    const closestText = JSON.stringify(winningPlanOf(closest))
    expect(closestText).toContain('"indexName":"streamSnapshots"')
    expect(closestText).not.toContain('"stage":"SORT"')
  })

  it('go with when their streams began, which the first commits tell', async () => {
    const ids = ['a', 'b', 'c'].map((id) => ({ tenant: 'demo', stream: `catalog.product-${id}` }))
    const commits = [
      { tenant: 'demo', stream: ids[0]?.stream, first: 1, order: 5_000_999 },
      { tenant: 'demo', stream: ids[0]?.stream, first: 2, order: 6_000_000 },
      { tenant: 'other', stream: ids[1]?.stream, first: 1, order: 7_000_000 },
      { tenant: 'demo', stream: ids[2]?.stream, first: 1, order: 8_000_000 },
    ]
    await connection.db
      .collection('commits')
      .insertMany(commits.map((commit, n) => ({ ...commit, idempotency: { key: `${n}` } })))
    const startsOf = mongoStreamStarts(connection)
    expect(await startsOf(ids)).toEqual([5_000, undefined, 8_000])
    expect(await startsOf([])).toEqual([])
  })
})
