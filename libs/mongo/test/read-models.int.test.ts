import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { ReadModelDocument } from '../src/documents.ts'
import { ensureReadModelIndexes } from '../src/indexes.ts'
import { mongoReadModels, type FoundDocument, type ListQuery, type ReadModels } from '../src/read-models.ts'
import { openDatabase, TENANT, type TestDatabase } from './mongo-fixture.ts'

let database: TestDatabase
let readModels: ReadModels
beforeAll(async () => {
  database = await openDatabase('read-models')
  readModels = mongoReadModels(database.connection)
})
afterAll(() => database.drop())

const collection = (projection: string) =>
  database.connection.db.collection<ReadModelDocument>(`readModel.${projection}`)
const documentOf = (key: string, fields: object, tenant = TENANT): ReadModelDocument => ({
  _id: `${tenant}/${key}`,
  _tenant: tenant,
  _partition: 1,
  _sequence: 9,
  ...fields,
})
const insert = (projection: string, documents: ReadModelDocument[]) =>
  collection(projection).insertMany(documents)
const list = (query: Partial<ListQuery> & { projection: string }): Promise<FoundDocument[]> =>
  readModels.list({ tenant: TENANT, conditions: [], sort: undefined, limit: 100, ...query })
const keysOf = (found: readonly FoundDocument[]): string[] =>
  found.map(({ id }) => id.slice(TENANT.length + 1))

type Sort = { field: string; descending: boolean }
const valueAt = (fields: Readonly<Record<string, unknown>>, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], fields)

/** Follows the cursors to the end, as a client does; `between` happens after each page. */
const listByPages = async (
  query: { projection: string; sort: Sort | undefined; limit: number },
  between: (page: number) => Promise<unknown> = () => Promise.resolve(),
): Promise<string[]> => {
  const keys: string[] = []
  let after: ListQuery['after']
  for (let page = 1; ; page++) {
    const found = await list({ ...query, ...(after ? { after } : {}) })
    keys.push(...keysOf(found))
    const last = found.at(-1)
    if (!last || found.length < query.limit) return keys
    const value = query.sort ? (valueAt(last.fields, query.sort.field) ?? null) : null
    after = { value: value as string | number | null, id: last.id }
    await between(page)
  }
}

describe('one document', () => {
  it('is found by its id, without the members of the engine', async () => {
    await insert('one.v1', [documentOf('o-1', { status: 'paid' })])
    expect(await readModels.findOne('one.v1', { tenant: TENANT, id: `${TENANT}/o-1` })).toEqual({
      id: `${TENANT}/o-1`,
      sequence: 9,
      fields: { status: 'paid' },
    })
    expect(await readModels.findOne('one.v1', { tenant: TENANT, id: `${TENANT}/o-2` })).toBeUndefined()
  })

  it('of another tenant is not there', async () => {
    await insert('foreign.v1', [documentOf('o-1', {}, 'other')])
    expect(await readModels.findOne('foreign.v1', { tenant: TENANT, id: 'other/o-1' })).toBeUndefined()
    expect(await list({ projection: 'foreign.v1' })).toEqual([])
  })
})

describe('conditions', () => {
  const projection = 'conditions.v1'
  beforeAll(() =>
    insert(projection, [
      documentOf('a', { status: 'placed', total: { amount: 100 } }),
      documentOf('b', { status: 'paid', total: { amount: 200 } }),
      documentOf('c', { status: 'paid', total: { amount: 300 } }),
      documentOf('d', { status: 'paid' }),
    ]),
  )

  it.each([
    ['equal', [{ field: 'status', is: 'paid' }], ['b', 'c', 'd']],
    ['from, included', [{ field: 'total.amount', from: 200 }], ['b', 'c']],
    ['below, not included', [{ field: 'total.amount', below: 300 }], ['a', 'b']],
    ['a range in one', [{ field: 'total.amount', from: 150, below: 250 }], ['b']],
    [
      'a range in two',
      [
        { field: 'total.amount', from: 150 },
        { field: 'total.amount', below: 250 },
      ],
      ['b'],
    ],
    [
      'all of several',
      [
        { field: 'status', is: 'paid' },
        { field: 'total.amount', below: 250 },
      ],
      ['b'],
    ],
    [
      'two that exclude each other',
      [
        { field: 'status', is: 'paid' },
        { field: 'status', is: 'placed' },
      ],
      [],
    ],
    ['null, which what is not there is too', [{ field: 'total.amount', is: null }], ['d']],
    ['text that reads like an operator', [{ field: 'status', is: '$ne' }], []],
  ])('hold: %s', async (_, conditions, keys) => {
    expect(keysOf(await list({ projection, conditions }))).toEqual(keys)
  })
})

describe('a prefix', () => {
  const projection = 'prefixes.v1'
  const keys = ['a', 'a.b', 'a/b', 'a/\uffff', 'a/\u{10000}', 'a/\u{10ffff}', 'a0', 'ab', '€', '$a']
  beforeAll(() =>
    insert(projection, [...keys.map((key) => documentOf(key, {})), documentOf('a/theirs', {}, 'other')]),
  )

  it.each([...keys, '', 'a/\u{10ffff}\u{10ffff}', 'A', '.', '^a', 'a.*'])(
    'is the plain text that keys begin with: "%s"',
    async (keyPrefix) => {
      const found = keysOf(await list({ projection, keyPrefix }))
      expect(found.toSorted()).toEqual(keys.filter((key) => key.startsWith(keyPrefix)).toSorted())
    },
  )

  it('goes on behind the last key of a page', async () => {
    const [first] = await list({ projection, keyPrefix: 'a/', limit: 1 })
    const after = { value: null, id: first?.id ?? '' }
    expect(keysOf(await list({ projection, keyPrefix: 'a/', after }))).toEqual([
      ...['a/\uffff', 'a/\u{10000}', 'a/\u{10ffff}'],
    ])
  })
})

describe('a list', () => {
  const projection = 'sorted.v1'
  const rows: [string, number | null][] = [
    ['a', 3],
    ['b', 1],
    ['c', 2],
    ['d', 2],
    ['e', 2],
    ['f', 3],
    ['g', null],
    ['h', null],
    ['i', 1],
    ['j', null],
  ]
  beforeAll(() =>
    insert(
      projection,
      rows.map(([key, at]) => documentOf(key, at === null ? {} : { at })),
    ),
  )
  const sorts: [string, Sort | undefined, string][] = [
    ['in the order of ids', undefined, 'abcdefghij'],
    ['ascending, missing values first', { field: 'at', descending: false }, 'ghjbicdeaf'],
    ['descending, missing values last', { field: 'at', descending: true }, 'faedcibjhg'],
  ]

  it.each(sorts)('is sorted %s', async (_, sort, keys) => {
    expect(keysOf(await list({ projection, sort })).join('')).toBe(keys)
  })

  it.each(sorts)('in pages of any size has no gap and no repeat, %s', async (_, sort, keys) => {
    for (const limit of [1, 2, 3, 4, 7, 10]) {
      expect((await listByPages({ projection, sort, limit })).join('')).toBe(keys)
    }
  })

  it.each([true, false])(
    'read while documents arrive shows all that were there, once (descending: %s)',
    async (descending) => {
      const busy = `busy-${String(descending)}.v1`
      const before = Array.from({ length: 40 }, (_, index) => documentOf(`k${10 + index}`, { at: index % 4 }))
      await insert(busy, before)
      const keys = await listByPages(
        { projection: busy, sort: { field: 'at', descending }, limit: 7 },
        (page) =>
          insert(
            busy,
            [0, 1, 2, 3].map((at) => documentOf(`n${page}-${at}`, { at })),
          ),
      )
      expect(new Set(keys).size).toBe(keys.length)
      expect(keys.filter((key) => key.startsWith('k')).toSorted()).toEqual(
        keysOf(await list({ projection: busy, limit: 40 })),
      )
    },
  )

  it.each([true, false])(
    'reads no more than its page, also from the middle (descending: %s)',
    async (descending) => {
      const long = `long-${String(descending)}.v1`
      await ensureReadModelIndexes(database.connection, { projection: long, indexes: [{ at: 1 }] })
      await insert(
        long,
        Array.from({ length: 500 }, (_, index) => documentOf(`k${index}`, { at: index % 50 })),
      )
      const { db } = database.connection
      await db.command({ profile: 2, filter: { ns: `${db.databaseName}.readModel.${long}` } })
      const after = { value: 25, id: `${TENANT}/k225` }
      await list({ projection: long, sort: { field: 'at', descending }, limit: 10, after })
      await db.command({ profile: 0 })
      const [profile] = await db
        .collection('system.profile')
        .find({ op: 'query', ns: `${db.databaseName}.readModel.${long}` })
        .toArray()
      expect(profile).toMatchObject({ nreturned: 10 })
      expect(profile).not.toHaveProperty('hasSortStage')
      expect(profile?.['docsExamined']).toBeLessThanOrEqual(25)
    },
  )
})
