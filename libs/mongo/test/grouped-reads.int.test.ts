import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { partialId } from '../src/document-id.ts'
import type { ReadModelDocument } from '../src/documents.ts'
import type { KeyQuery, Partials } from '../src/grouped-reads.ts'
import { ensureReadModelIndexes } from '../src/indexes.ts'
import { mongoReadModels, type ReadModels } from '../src/read-models.ts'
import { openDatabase, TENANT, TOPIC, type TestDatabase } from './mongo-fixture.ts'

let database: TestDatabase
let readModels: ReadModels
beforeAll(async () => {
  database = await openDatabase('grouped-reads')
  readModels = mongoReadModels(database.connection)
})
afterAll(() => database.drop())

type Wanted = { key: string; part?: string; partition: number; tenant?: string }

const partialOf = ({ key, part = '', partition, tenant = TENANT }: Wanted): ReadModelDocument => ({
  _id: partialId({ tenant, key, part, topic: TOPIC, partition }),
  _tenant: tenant,
  _partition: partition,
  _sequence: 9,
  key,
  place: `${part}/${partition}`,
})

const insert = (projection: string, partials: readonly Wanted[]) =>
  database.connection.db
    .collection<ReadModelDocument>(`readModel.${projection}`)
    .insertMany(partials.map(partialOf))

const placesOf = (partials: Partials | undefined) => partials?.map(({ place }) => place)
const list = (query: Partial<KeyQuery> & { projection: string }) =>
  readModels.listPartials({ tenant: TENANT, limit: 100, ...query }, (partials) => ({
    key: partials[0]['key'] as string,
    partials: partials.length,
  }))

describe('the partials of a key', () => {
  it('are all of this key and tenant, and of no key that begins alike', async () => {
    const own = [
      { key: 'c-1', partition: 0 },
      { key: 'c-1', part: '2026-01', partition: 5 },
      { key: 'c-1', part: '2026-02', partition: 5 },
    ]
    const others = ['c', 'c-', 'c-10', 'c-1.', 'c-1-'].map((key) => ({ key, partition: 0 }))
    await insert('one.v1', [...own, ...others, { key: 'c-1', partition: 1, tenant: 'other' }])
    const found = await readModels.findPartials('one.v1', { tenant: TENANT, key: 'c-1' })
    expect(placesOf(found)).toEqual(['/0', '2026-01/5', '2026-02/5'])
    expect(found?.every((fields) => Object.keys(fields).every((name) => !name.startsWith('_')))).toBe(true)
    expect(await readModels.findPartials('one.v1', { tenant: 'other', key: 'c' })).toBeUndefined()
  })
})

describe('a list of keys', () => {
  // In the order of `key/`: what sorts below the slash comes before it.
  const keys = ['a-1', 'a.1', 'a', 'a0', 'b', 'bb', 'c:1']
  beforeAll(() =>
    insert(
      'keys.v1',
      keys.flatMap((key, index) =>
        Array.from({ length: 1 + (index % 3) }, (_, partition) => ({ key, partition })),
      ),
    ),
  )

  it('has each key once, with all its partials, in pages of any size', async () => {
    const expected = keys.map((key, index) => ({ key, partials: 1 + (index % 3) }))
    for (const limit of [1, 2, 3, 6, 7, 8]) {
      const found: unknown[] = []
      let after: string | undefined
      do {
        const { items, end } = await list({ projection: 'keys.v1', limit, ...(after ? { after } : {}) })
        expect(items.length).toBeLessThanOrEqual(limit)
        found.push(...items)
        after = end ?? undefined
      } while (after !== undefined)
      expect(found).toEqual(expected)
    }
  })

  it('goes on behind a key that is there no more', async () => {
    const { items } = await list({ projection: 'keys.v1', after: 'a5' })
    expect(items.map(({ key }) => key)).toEqual(['b', 'bb', 'c:1'])
  })

  it('of another tenant, or of nothing, is empty', async () => {
    expect(await list({ projection: 'keys.v1', tenant: 'other' })).toEqual({ items: [], end: null })
    expect(await list({ projection: 'nothing.v1' })).toEqual({ items: [], end: null })
  })

  it('reads about as much as its page, however long the list is', async () => {
    const projection = 'long.v1'
    await ensureReadModelIndexes(database.connection, { projection, indexes: [] })
    await insert(
      projection,
      Array.from({ length: 4_000 }, (_, index) => ({
        key: `k-${10_000 + (index >> 1)}`,
        partition: index % 2,
      })),
    )
    const { db } = database.connection
    const ns = `${db.databaseName}.readModel.${projection}`
    await db.command({ profile: 2, filter: { ns } })
    const { items, end } = await list({ projection, limit: 20, after: 'k-11000' })
    await db.command({ profile: 0 })
    expect([items.length, items.every(({ partials }) => partials === 2), end]).toEqual([20, true, 'k-11020'])
    const profiled = await db.collection('system.profile').find({ ns }).toArray()
    const examined = profiled.reduce((sum, { docsExamined }) => sum + Number(docsExamined ?? 0), 0)
    expect(examined).toBeGreaterThan(0)
    expect(examined).toBeLessThanOrEqual(500)
    expect(profiled.some((one) => 'hasSortStage' in one)).toBe(false)
  })

  it('ends early, with a whole key, when keys have very many partials', async () => {
    const projection = 'large.v1'
    const parts = Array.from({ length: 12_000 }, (_, index) => `p-${10_000 + index}`)
    for (const key of ['a', 'b', 'c'])
      await insert(
        projection,
        parts.map((part) => ({ key, part, partition: 0 })),
      )
    const first = await list({ projection })
    expect(first).toEqual({ items: ['a', 'b'].map((key) => ({ key, partials: 12_000 })), end: 'b' })
    const second = await list({ projection, after: 'b' })
    expect(second).toEqual({ items: [{ key: 'c', partials: 12_000 }], end: null })
  })
})
