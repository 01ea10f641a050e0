import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { collectionsOf } from '../src/collections.ts'
import type { CheckpointId } from '../src/documents.ts'
import type { Checkpoint, CommitBatch, DocumentWrite, Progress } from '../src/lane-commits.ts'
import { mongoProjectionStore, type ProjectionStore } from '../src/projection-store.ts'
import { openDatabase, TENANT, TOPIC, uniqueName, type TestDatabase } from './mongo-fixture.ts'

let database: TestDatabase
let store: ProjectionStore
beforeAll(async () => {
  database = await openDatabase('projection')
  store = mongoProjectionStore(database.connection)
})
afterAll(() => database.drop())

/** Each test has a projection to itself. */
let id: CheckpointId
beforeEach(() => {
  id = { projection: uniqueName('orders'), topic: TOPIC, partition: 2 }
})

const claim = (owner = 'a', incarnation = 1): Promise<Checkpoint> => store.claim(id, { owner, incarnation })
const progress = (nextOffset: number): Progress => ({
  nextOffset,
  lastSequence: nextOffset,
  lastId: `event-${nextOffset}`,
  lastTs: 1_000 + nextOffset,
  watermark: null,
})
const put = (key: string, fields: DocumentWrite['fields'], sequence = 1): DocumentWrite => ({
  id: `${TENANT}/${key}`,
  tenant: TENANT,
  sequence,
  fields,
})
const documents = async (...keys: string[]): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    await store.find(
      id.projection,
      keys.map((key) => ({ tenant: TENANT, id: `${TENANT}/${key}` })),
    ),
  )

const largeDocument = (megabytes: number): DocumentWrite =>
  put('o-2', { n: 2, text: 'x'.repeat(megabytes * 1024 * 1024) })

describe('a claim', () => {
  it('of a new partition starts at the beginning', async () => {
    expect(await claim()).toEqual({
      owner: 'a',
      epoch: 1,
      incarnation: 1,
      nextOffset: 0,
      lastSequence: 0,
      lastId: null,
      lastTs: null,
      watermark: null,
    })
    expect(await store.read(id)).toEqual(await store.read(id))
  })

  it('raises the epoch and goes on where the last owner was', async () => {
    const from = await claim('a')
    await store.commit(id, { from, to: progress(5), writes: [] })
    expect(await claim('b')).toEqual({ ...from, ...progress(5), owner: 'b', epoch: 2 })
  })

  it('of a topic that was created anew starts at offset 0 and keeps the last sequence', async () => {
    const from = await claim('a', 1)
    await store.commit(id, { from, to: progress(5), writes: [] })
    expect(await claim('a', 2)).toMatchObject({ incarnation: 2, nextOffset: 0, lastSequence: 5, epoch: 2 })
  })

  it('by a process that does not know of the new topic yet does not go back to the old', async () => {
    await claim('a', 2)
    expect(await claim('b', 1)).toMatchObject({ incarnation: 2, nextOffset: 0, epoch: 2 })
  })

  it('of a topic that was never announced starts at offset 0', async () => {
    expect(await claim('a', 0)).toMatchObject({ incarnation: 0, nextOffset: 0 })
  })

  it('by many at once gives each an epoch of its own', async () => {
    const claims = await Promise.all(Array.from({ length: 16 }, (_, index) => claim(`owner-${index}`)))
    expect(claims.map(({ epoch }) => epoch).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 16 }, (_, index) => index + 1),
    )
  })

  it('is of the partition, whatever else the caller holds of it, in whatever order', async () => {
    await claim('a')
    const { projection, topic, partition } = id
    const wider = { partition, host: 'here', topic, projection }
    expect(await store.claim(wider, { owner: 'b', incarnation: 1 })).toMatchObject({ epoch: 2 })
  })

  it('is absent before the first', async () => {
    expect(await store.read(id)).toBeUndefined()
  })
})

describe('a batch', () => {
  it('moves documents and checkpoint together', async () => {
    const from = await claim()
    const writes = [put('o-1', { status: 'placed' }), put('o-2', { status: 'paid' }, 2)]
    expect(await store.commit(id, { from, to: progress(2), writes })).toBe('applied')
    expect(await store.read(id)).toEqual({ ...from, ...progress(2) })
    expect(await documents('o-1', 'o-2', 'o-3')).toEqual({
      [`${TENANT}/o-1`]: { status: 'placed' },
      [`${TENANT}/o-2`]: { status: 'paid' },
    })
  })

  it('replaces documents whole and deletes them', async () => {
    const from = await claim()
    await store.commit(id, { from, to: progress(1), writes: [put('o-1', { a: 1 }), put('o-2', { a: 1 })] })
    const writes = [put('o-1', { b: 2 }), put('o-2', null), put('o-3', null)]
    await store.commit(id, { from: { ...from, ...progress(1) }, to: progress(2), writes })
    expect(await documents('o-1', 'o-2', 'o-3')).toEqual({ [`${TENANT}/o-1`]: { b: 2 } })
  })

  it('carries tenant, partition and sequence of each document', async () => {
    await store.commit(id, { from: await claim(), to: progress(7), writes: [put('o-1', { a: 1 }, 7)] })
    const stored = await database.connection.db.collection(`readModel.${id.projection}`).findOne()
    expect(stored).toEqual({ _id: `${TENANT}/o-1`, _tenant: TENANT, _partition: 2, _sequence: 7, a: 1 })
  })

  it('without writes moves the checkpoint', async () => {
    const from = await claim()
    expect(await store.commit(id, { from, to: progress(3), writes: [] })).toBe('applied')
    expect(await store.read(id)).toMatchObject(progress(3))
  })

  it('of an epoch that is over is fenced and changes nothing', async () => {
    const zombie = await claim('a')
    const owner = await claim('b')
    const writes = [put('o-1', { from: 'zombie' })]
    expect(await store.commit(id, { from: zombie, to: progress(1), writes })).toBe('fenced')
    expect(await store.read(id)).toEqual(owner)
    expect(await documents('o-1')).toEqual({})
  })

  it('sent twice is fenced the second time and changes nothing', async () => {
    const from = await claim()
    const batch = { from, to: progress(1), writes: [put('o-1', { count: 1 })] }
    await store.commit(id, batch)
    await store.commit(id, {
      from: { ...from, ...progress(1) },
      to: progress(2),
      writes: [put('o-1', { count: 2 })],
    })
    expect(await store.commit(id, batch)).toBe('fenced')
    expect(await store.read(id)).toMatchObject(progress(2))
    expect(await documents('o-1')).toEqual({ [`${TENANT}/o-1`]: { count: 2 } })
  })

  it('of an owner that died in the middle of it does not keep the next one waiting', async () => {
    await claim()
    const { checkpoints } = collectionsOf(database.connection)
    await database.connection.client.withSession(async (dead) => {
      dead.startTransaction()
      await checkpoints.updateOne({ _id: id }, { $set: { nextOffset: 99 } }, { session: dead })
      const next = await store.claim(id, { owner: 'b', incarnation: 1 })
      expect(next).toMatchObject({ owner: 'b', nextOffset: 0 })
      await expect(dead.commitTransaction()).rejects.toThrow()
    })
  })

  it('sent twice at once takes effect once', async () => {
    const from = await claim()
    const batch = { from, to: progress(1), writes: [put('o-1', { count: 1 })] }
    // A zombie has sessions of its own.
    const zombie = mongoProjectionStore(database.connection)
    const outcomes = await Promise.allSettled([store.commit(id, batch), zombie.commit(id, batch)])
    const applied = outcomes.filter(
      ({ status, ...rest }) => status === 'fulfilled' && 'value' in rest && rest.value === 'applied',
    )
    expect(applied).toHaveLength(1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ retryable: true })
    }
    expect(await store.read(id)).toMatchObject(progress(1))
  })

  it('of the incarnation before is fenced', async () => {
    const from = await claim('a', 1)
    const again = await claim('a', 2)
    expect(
      await store.commit(id, { from: { ...from, epoch: again.epoch }, to: progress(1), writes: [] }),
    ).toBe('fenced')
  })

  it.each([
    ['that breaks a unique index', () => [put('o-1', { n: 1 }), put('o-2', { n: 1 })]],
    ['a little larger than a document may be', () => [put('o-1', { n: 1 }), largeDocument(16.1)]],
    ['far larger than a document may be', () => [put('o-1', { n: 1 }), largeDocument(18)]],
  ])('with a document %s leaves documents and checkpoint, and is no outage', async (_, writes) => {
    const from = await claim()
    await database.connection.db
      .collection(`readModel.${id.projection}`)
      .createIndex({ n: 1 }, { unique: true })
    const refused = store.commit(id, { from, to: progress(1), writes: writes() })
    await expect(refused).rejects.toMatchObject({ code: 'DOCUMENT_REFUSED', retryable: false })
    expect(await store.read(id)).toEqual(from)
    expect(await documents('o-1', 'o-2')).toEqual({})
  })

  it('goes through after one that failed', async () => {
    const from = await claim()
    await database.connection.db
      .collection(`readModel.${id.projection}`)
      .createIndex({ n: 1 }, { unique: true })
    const refused = { from, to: progress(1), writes: [put('o-1', { n: 1 }), put('o-2', { n: 1 })] }
    await expect(store.commit(id, refused)).rejects.toThrow()
    expect(await store.commit(id, { ...refused, writes: [put('o-1', { n: 1 })] })).toBe('applied')
  })
})

// The first goes at once; the others gather behind it.
describe('batches of several lanes at once', () => {
  const LANES = 12
  type Lane = { readonly id: CheckpointId; readonly batch: CommitBatch }

  /** On partitions of two builds. */
  const openLanes = async (): Promise<Lane[]> => {
    for (const build of [0, 1])
      await database.connection.db.createCollection(`readModel.${id.projection}.${build}`)
    return Promise.all(
      Array.from({ length: LANES }, async (_, lane) => {
        const at = { ...id, projection: `${id.projection}.${lane % 2}`, partition: lane }
        const from = await store.claim(at, { owner: 'a', incarnation: 1 })
        return { id: at, batch: { from, to: progress(1), writes: [put(`o-${lane}`, { lane })] } }
      }),
    )
  }
  const commitAll = (lanes: readonly Lane[]) =>
    Promise.allSettled(lanes.map((lane) => store.commit(lane.id, lane.batch)))
  const applied = { status: 'fulfilled', value: 'applied' }
  const fenced = { status: 'fulfilled', value: 'fenced' }
  const storedOf = async ({ id: { projection }, batch }: Lane) => [
    ...(await store.find(projection, batch.writes)).values(),
  ]

  it('all move with their own checkpoint and into their own build', async () => {
    const lanes = await openLanes()
    expect(await commitAll(lanes)).toEqual(lanes.map(() => applied))
    for (const [index, lane] of lanes.entries()) {
      expect(await store.read(lane.id)).toMatchObject(progress(1))
      expect(await storedOf(lane)).toEqual([{ lane: index }])
    }
  })

  it('are fenced each by itself', async () => {
    const lanes = await openLanes()
    const lost = [3, 8]
    for (const index of lost) await store.claim(lanes[index]?.id ?? id, { owner: 'b', incarnation: 1 })
    expect(await commitAll(lanes)).toEqual(lanes.map((_, index) => (lost.includes(index) ? fenced : applied)))
    for (const [index, lane] of lanes.entries())
      expect(await storedOf(lane)).toEqual(lost.includes(index) ? [] : [{ lane: index }])
  })

  it('hear each of its own document that is refused', async () => {
    const lanes = await openLanes()
    const refused = 5
    const at = lanes[refused] ?? { id, batch: { from: await claim(), to: progress(1), writes: [] } }
    lanes[refused] = { ...at, batch: { ...at.batch, writes: [put('o-5', { lane: 5 }), largeDocument(16.1)] } }
    const outcomes = await commitAll(lanes)
    expect(outcomes[refused]).toMatchObject({ status: 'rejected', reason: { code: 'DOCUMENT_REFUSED' } })
    expect(outcomes.toSpliced(refused, 1)).toEqual(Array.from({ length: LANES - 1 }, () => applied))
    expect(await storedOf(at)).toEqual([])
  })

  it('do not wait for a transaction that a dead process left open on one of them', async () => {
    const lanes = await openLanes()
    const [stuck] = lanes
    await database.connection.client.withSession(async (dead) => {
      dead.startTransaction()
      const { checkpoints } = collectionsOf(database.connection)
      await checkpoints.updateOne({ _id: stuck?.id ?? id }, { $set: { nextOffset: 99 } }, { session: dead })
      const outcomes = await commitAll(lanes)
      expect(outcomes[0]).toMatchObject({ status: 'rejected', reason: { retryable: true } })
      expect(outcomes.slice(1)).toEqual(Array.from({ length: LANES - 1 }, () => applied))
      await dead.abortTransaction()
    })
  })
})

it('no documents are found when none are asked for', async () => {
  expect(await store.find(id.projection, [])).toEqual(new Map())
})
