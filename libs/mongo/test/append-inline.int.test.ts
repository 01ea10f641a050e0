import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { InlineChange } from '../src/inline-documents.ts'
import type { MongoConnection } from '../src/connect-mongo.ts'
import { mongoEventStore, type EventStore } from '../src/event-store.ts'
import { mongoReadModels } from '../src/read-models.ts'
import { commitOf, openDatabase, rejectionOf, TENANT, type TestDatabase } from './mongo-fixture.ts'

const PROJECTION = 'counters.v1'

let database: TestDatabase
let connection: MongoConnection
let store: EventStore
let replica: EventStore
beforeAll(async () => {
  database = await openDatabase('append-inline')
  connection = database.connection
  store = mongoEventStore(connection)
  replica = mongoEventStore(connection)
})
afterAll(() => database.drop())

const fresh = (): string => `orders.order-${randomUUID()}`
const idOf = (counter: string): string => `${TENANT}/${counter}`

const countOf = async (counter: string): Promise<unknown> =>
  (await mongoReadModels(connection).findOne(PROJECTION, { tenant: TENANT, id: idOf(counter) }))?.fields[
    'count'
  ]

/** Counts up by one, and not beyond `limit`. */
const countUp = (counter: string, limit = Number.MAX_SAFE_INTEGER): InlineChange => ({
  projection: PROJECTION,
  id: idOf(counter),
  change: (before) => {
    const count = Number(before?.['count'] ?? 0)
    return count >= limit
      ? { type: 'refused', reason: 'full' }
      : { type: 'changed', fields: { count: count + 1 } }
  },
})

const remove = (counter: string): InlineChange => ({
  projection: PROJECTION,
  id: idOf(counter),
  change: () => ({ type: 'changed', fields: null }),
})

const versionOf = async (stream: string): Promise<number> =>
  (await store.load({ tenant: TENANT, stream })).version

describe('a commit with an inline read model', () => {
  it('changes its document with it, and takes it away when there is nothing left', async () => {
    const [stream, counter] = [fresh(), randomUUID()]
    expect(await store.append(commitOf(stream, 1), [countUp(counter)])).toEqual({ type: 'appended' })
    expect(await countOf(counter)).toBe(1)
    await store.append(commitOf(stream, 2), [remove(counter)])
    expect(await countOf(counter)).toBeUndefined()
  })

  it('may change one document several times and several documents', async () => {
    const [stream, a, b] = [fresh(), randomUUID(), randomUUID()]
    await store.append(commitOf(stream, 1, { count: 3 }), [countUp(a), countUp(b), countUp(a)])
    expect([await countOf(a), await countOf(b)]).toEqual([2, 1])
  })

  it('that is refused leaves neither commit nor change, also of the documents that agreed', async () => {
    const [stream, free, full] = [fresh(), randomUUID(), randomUUID()]
    const outcome = await store.append(commitOf(stream, 1), [countUp(free), countUp(full, 0)])
    expect(outcome).toEqual({ type: 'refused', reason: 'full' })
    expect([await versionOf(stream), await countOf(free)]).toEqual([0, undefined])
  })

  it('whose version is taken leaves its document as it was', async () => {
    const [stream, counter] = [fresh(), randomUUID()]
    await store.append(commitOf(stream, 1), [countUp(counter)])
    expect(await store.append(commitOf(stream, 1), [countUp(counter)])).toEqual({ type: 'version-taken' })
    expect(await countOf(counter)).toBe(1)
  })

  it('whose key was used, by a commit or by an answer, gets the former answer', async () => {
    const [stream, counter] = [fresh(), randomUUID()]
    const first = commitOf(stream, 1, { idempotencyKey: `${stream}-yes` })
    await store.append(first, [countUp(counter)])
    const repeated = commitOf(fresh(), 1, { idempotencyKey: `${stream}-yes` })
    expect(await store.append(repeated, [countUp(counter)])).toMatchObject({
      type: 'key-used',
      former: { type: 'commit', commit: { _id: first._id } },
    })
    const rejection = rejectionOf(`${stream}-no`)
    await store.keepAnswer({ tenant: TENANT, stream }, () => Promise.resolve(rejection))
    const late = commitOf(fresh(), 1, { idempotencyKey: `${stream}-no` })
    expect(await store.append(late, [countUp(counter)])).toMatchObject({
      type: 'key-used',
      former: { type: 'answer', answer: { _id: rejection._id } },
    })
    expect(await countOf(counter)).toBe(1)
  })

  it('that is sent again after its answer was lost is in, once', async () => {
    const [stream, counter] = [fresh(), randomUUID()]
    const commit = commitOf(stream, 1)
    await store.append(commit, [countUp(counter)])
    expect(await store.append(commit, [countUp(counter)])).toEqual({ type: 'appended' })
    expect(await countOf(counter)).toBe(1)
  })

  it('whose change throws fails alone', async () => {
    const [bad, good, counter] = [fresh(), fresh(), randomUUID()]
    const throwing: InlineChange = {
      ...countUp(counter),
      change: () => {
        throw new Error('cannot be')
      },
    }
    const [failed, appended] = await Promise.allSettled([
      store.append(commitOf(bad, 1), [throwing]),
      store.append(commitOf(good, 1), [countUp(counter)]),
    ])
    expect(failed).toMatchObject({ status: 'rejected', reason: { message: 'cannot be' } })
    expect(appended).toEqual({ status: 'fulfilled', value: { type: 'appended' } })
    expect([await versionOf(bad), await countOf(counter)]).toEqual([0, 1])
  })
})

describe('commits that travel together with their documents', () => {
  it('stand and fall each by itself: losers, refused ones and winners of one group', async () => {
    const [taken, counter] = [fresh(), randomUUID()]
    await store.append(commitOf(taken, 1))
    const used = randomUUID()
    await store.append(commitOf(fresh(), 1, { idempotencyKey: used }))
    const twice = fresh()
    const outcomes = await Promise.all([
      store.append(commitOf(fresh(), 1), [countUp(counter, 2)]),
      store.append(commitOf(taken, 1), [countUp(counter, 2)]),
      store.append(commitOf(fresh(), 1, { idempotencyKey: used }), [countUp(counter, 2)]),
      store.append(commitOf(twice, 1), [countUp(counter, 2)]),
      store.append(commitOf(twice, 1), [countUp(randomUUID())]),
      store.append(commitOf(fresh(), 1), [countUp(counter, 2)]),
    ])
    expect(outcomes.map(({ type }) => type)).toEqual([
      'appended',
      'version-taken',
      'key-used',
      'appended',
      'version-taken',
      'refused',
    ])
    expect(await countOf(counter)).toBe(2)
  })

  it('of two replicas on one document: the limit holds and every count is a commit', async () => {
    const counter = randomUUID()
    const streams = Array.from({ length: 40 }, fresh)
    const outcomes = await Promise.all(
      streams.map((stream, index) =>
        (index % 2 === 0 ? store : replica).append(commitOf(stream, 1), [countUp(counter, 25)]),
      ),
    )
    const appended = outcomes.filter(({ type }) => type === 'appended').length
    const refused = outcomes.filter(({ type }) => type === 'refused').length
    expect([appended, refused, await countOf(counter)]).toEqual([25, 15, 25])
    const versions = await Promise.all(streams.map(versionOf))
    expect(versions.filter((version) => version === 1)).toHaveLength(25)
  })
})

describe('a kept answer', () => {
  it('may be decided on what an inline read model would refuse, as it is now', async () => {
    const [stream, counter] = [fresh(), randomUUID()]
    await store.append(commitOf(stream, 1), [countUp(counter)])
    const seen: unknown[] = []
    await store.keepAnswer({ tenant: TENANT, stream }, async ({ refusalOf }) => {
      const [one, two] = [countUp(counter, 2), countUp(counter, 2)]
      seen.push(await refusalOf([one]), await refusalOf([one, two]))
      return undefined
    })
    expect(seen).toEqual([undefined, 'full'])
    expect(await countOf(counter)).toBe(1)
  })
})
