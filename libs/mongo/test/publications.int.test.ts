import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { ShardId } from '../src/documents.ts'
import type { NewCommit } from '../src/event-store.ts'
import { mongoPublications, type Publication, type Publications } from '../src/publications.ts'
import { appendAll, commitOf, openDatabase, planNext, type TestDatabase } from './mongo-fixture.ts'

const LIMITS = { maxEvents: 1_000, maxBytes: 900 * 1024 }

let database: TestDatabase
let publications: Publications
beforeAll(async () => {
  database = await openDatabase('publications')
  publications = mongoPublications(database.connection)
})
afterAll(() => database.drop())

/** Each test has a shard to itself. */
let shard: ShardId
beforeEach(() => {
  shard = { topic: `topic-${randomUUID()}`, partition: 3 }
})

const commitAt = (order: number, given: Parameters<typeof commitOf>[2] = {}): NewCommit =>
  commitOf(`orders.order-${randomUUID()}`, 1, { ...shard, order, ...given })
const append = (...commits: NewCommit[]): Promise<void> => appendAll(database.connection, commits)
const idsOf = (commits: readonly { _id: string }[]): string[] => commits.map(({ _id }) => _id)

const recordOf = (
  n: number,
  commits: readonly NewCommit[],
  given: Partial<Publication> = {},
): Publication => ({
  _id: { ...shard, n },
  firstSequence: n,
  commitIds: idsOf(commits),
  eventCounts: commits.map(({ events }) => events.length),
  state: 'open',
  incarnation: 1,
  ...given,
})
const PRODUCED = { baseOffset: 41n, incarnation: 1 }

describe('a plan', () => {
  it('is in the order of the commits, whatever the order of their arrival', async () => {
    const commits = [5, 2, 9, 1, 7].map((order) => commitAt(order))
    await append(...commits)
    const planned = await planNext(publications, shard, LIMITS)
    expect(idsOf(planned)).toEqual(idsOf(commits.toSorted((a, b) => a.order - b.order)))
  })

  it('holds what Kafka needs of a commit', async () => {
    const commit = commitAt(1, { count: 2, traceparent: '00-1-2-01' })
    await append(commit)
    const [planned] = await planNext(publications, shard, LIMITS)
    const { _id, tenant, stream, key, first, correlationId, causationId, actor, traceparent, events } = commit
    expect(planned).toEqual({
      ...{ _id, tenant, stream, key, first, correlationId, causationId, actor, traceparent, events },
      committedAt: expect.any(Date),
    })
  })

  it('has no more events than allowed, and no part of a commit', async () => {
    const commits = [commitAt(1, { count: 3 }), commitAt(2, { count: 3 }), commitAt(3, { count: 3 })]
    await append(...commits)
    expect(idsOf(await planNext(publications, shard, { ...LIMITS, maxEvents: 8 }))).toEqual(
      idsOf(commits.slice(0, 2)),
    )
    expect(idsOf(await planNext(publications, shard, { ...LIMITS, maxEvents: 6 }))).toEqual(
      idsOf(commits.slice(0, 2)),
    )
  })

  it('has no more bytes than allowed', async () => {
    const commits = [1, 2, 3].map((order) => commitAt(order, { bytes: Buffer.alloc(10_000) }))
    await append(...commits)
    expect(idsOf(await planNext(publications, shard, { ...LIMITS, maxBytes: 25_000 }))).toEqual(
      idsOf(commits.slice(0, 2)),
    )
  })

  it('has at least one commit, however large', async () => {
    const commits = [commitAt(1, { count: 5, bytes: Buffer.alloc(10_000) }), commitAt(2)]
    await append(...commits)
    expect(idsOf(await planNext(publications, shard, { maxEvents: 1, maxBytes: 1 }))).toEqual(
      idsOf(commits.slice(0, 1)),
    )
  })

  it('comes batch by batch from one snapshot: what is appended meanwhile waits for the next', async () => {
    const commits = [1, 2, 3].map((order) => commitAt(order))
    await append(...commits)
    const late = commitAt(0)
    const batches: string[][] = []
    const isCut = await publications.sweep(shard, { ...LIMITS, maxEvents: 1 }, async (batch) => {
      if (batches.length === 0) await append(late)
      batches.push(idsOf(batch))
      return true
    })
    expect([isCut, batches]).toEqual([false, commits.map(({ _id }) => [_id])])
    expect(idsOf(await planNext(publications, shard, LIMITS))).toEqual(idsOf([late, ...commits]))
  })

  it('ends when no more is taken, and says that there is more', async () => {
    await append(...[1, 2, 3].map((order) => commitAt(order)))
    let batches = 0
    const isCut = await publications.sweep(shard, { ...LIMITS, maxEvents: 1 }, async () => ++batches < 2)
    expect([isCut, batches]).toEqual([true, 2])
  })

  it('fails with what publishing failed with', async () => {
    await append(commitAt(1))
    const failing = publications.sweep(shard, LIMITS, () => Promise.reject(new Error('no broker')))
    await expect(failing).rejects.toThrow('no broker')
  })

  it('leaves out other shards and what is published', async () => {
    const [published, waiting] = [commitAt(1), commitAt(2)]
    await append(published, waiting, commitAt(0, { partition: 4 }), commitAt(0, { topic: 'another' }))
    await publications.open(recordOf(1, [published]))
    await publications.finish(recordOf(1, [published]), PRODUCED)
    expect(idsOf(await planNext(publications, shard, LIMITS))).toEqual(idsOf([waiting]))
  })
})

describe('a number', () => {
  it('goes to one of two relays', async () => {
    const wanted = [recordOf(1, [commitAt(1)]), recordOf(1, [commitAt(2)])]
    const outcomes = await Promise.all(wanted.map((record) => publications.open(record)))
    expect(outcomes.toSorted()).toEqual([false, true])
    expect(await publications.last(shard)).toEqual(wanted[outcomes.indexOf(true)])
  })

  it('is the same whatever else the caller holds of the shard, in whatever order', async () => {
    const { topic, partition } = shard
    await publications.open(recordOf(1, []))
    const wider = { n: 1, partition, topic, host: 'here' }
    expect(await publications.open({ ...recordOf(1, []), _id: wider })).toBe(false)
  })
})

describe('a finished publication', () => {
  it('has marked its commits and knows where it is in the log', async () => {
    const commit = commitAt(1)
    await append(commit)
    const record = recordOf(1, [commit])
    await publications.open(record)
    await publications.finish(record, PRODUCED)
    expect(await publications.last(shard)).toEqual({ ...record, state: 'done', baseOffset: 41 })
    const stored = await database.connection.db
      .collection<{ _id: string }>('commits')
      .findOne({ _id: commit._id })
    expect(stored).toMatchObject({ publication: 1 })
    expect(stored).not.toHaveProperty('pending')
  })

  it('can be finished again', async () => {
    const commit = commitAt(1)
    await append(commit)
    const record = recordOf(1, [commit])
    await publications.open(record)
    await publications.finish(record, PRODUCED)
    await publications.finish(record, { ...PRODUCED, baseOffset: 57n })
    expect(await publications.last(shard)).toMatchObject({ state: 'done', baseOffset: 57 })
  })

  it('is not taken back into an earlier incarnation by a relay that woke up late', async () => {
    const record = recordOf(1, [])
    await publications.open(record)
    await publications.finish(record, { baseOffset: 0n, incarnation: 2 })
    await publications.finish(record, PRODUCED)
    expect(await publications.last(shard)).toMatchObject({ incarnation: 2, baseOffset: 0 })
  })

  it('keeps the commits in its order, for producing them again', async () => {
    const commits = [commitAt(3), commitAt(1), commitAt(2)]
    await append(...commits)
    const found = await publications.commitsOf(recordOf(1, commits))
    expect(idsOf(found)).toEqual(idsOf(commits))
  })
})

describe('the unfinished', () => {
  it('are none in a new shard, and none when all are done', async () => {
    expect(await publications.last(shard)).toBeUndefined()
    expect(await publications.firstUnfinished(shard, 1)).toBeUndefined()
    await publications.open(recordOf(1, [], { state: 'done' }))
    expect(await publications.firstUnfinished(shard, 1)).toBeUndefined()
  })

  it('begin with the oldest open one', async () => {
    await publications.open(recordOf(1, [], { state: 'done' }))
    await publications.open(recordOf(3, []))
    await publications.open(recordOf(2, []))
    expect(await publications.firstUnfinished(shard, 1)).toMatchObject({ _id: { n: 2 } })
    expect(await publications.last(shard)).toMatchObject({ _id: { n: 3 } })
  })

  it('are all of an earlier incarnation, oldest first, until each is produced again', async () => {
    for (const n of [1, 2]) await publications.open(recordOf(n, [], { state: 'done', baseOffset: 7 }))
    for (const n of [1, 2]) {
      const record = await publications.firstUnfinished(shard, 2)
      expect(record).toMatchObject({ _id: { n } })
      if (record) await publications.finish(record, { baseOffset: 0n, incarnation: 2 })
    }
    expect(await publications.firstUnfinished(shard, 2)).toBeUndefined()
  })

  it('of another shard are not among them', async () => {
    await publications.open(recordOf(1, [], { _id: { ...shard, partition: 4, n: 1 } }))
    expect(await publications.firstUnfinished(shard, 1)).toBeUndefined()
  })
})

it('what waits is counted over all shards, and the oldest told', async () => {
  const own = await openDatabase('pending')
  const all = mongoPublications(own.connection)
  expect([await all.countPending(), await all.oldestPending([shard, { ...shard, partition: 4 }])]).toEqual([
    0,
    undefined,
  ])
  const commits = [commitAt(1), commitAt(2, { partition: 4 })]
  await appendAll(own.connection, commits)
  const [oldest] = await planNext(all, shard, LIMITS)
  expect([await all.countPending(), await all.oldestPending([shard, { ...shard, partition: 4 }])]).toEqual([
    2,
    oldest?.committedAt,
  ])
  await own.drop()
})
