import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { mongoBuildReader, type BuildReader } from '../src/build-reader.ts'
import { partialId } from '../src/document-id.ts'
import { ensureReadModelIndexes } from '../src/indexes.ts'
import type { Progress } from '../src/lane-commits.ts'
import { mongoProjectionStore } from '../src/projection-store.ts'
import { openDatabase, TENANT, TOPIC, uniqueName, type TestDatabase } from './mongo-fixture.ts'

let database: TestDatabase
let build: string
beforeAll(async () => {
  database = await openDatabase('build-reader')
})
beforeEach(() => {
  build = uniqueName('build')
})
afterAll(() => database.drop())

const open = (isGrouped: boolean): BuildReader =>
  mongoBuildReader(database.connection, { build, isGrouped, topic: TOPIC })

const keysOf = async (reader: BuildReader): Promise<string[][]> => {
  const chunks: string[][] = []
  for await (const keys of reader.keys()) chunks.push([...keys])
  return chunks
}

type Stored = { readonly _id: string; readonly [field: string]: unknown }

const put = async (...documents: readonly Stored[]): Promise<void> => {
  await database.connection.db.collection<Stored>(`readModel.${build}`).insertMany([...documents])
}
const document = (key: string, tenant = TENANT): Stored => ({
  ...{ _id: `${tenant}/${key}`, _tenant: tenant, _partition: 2, _sequence: 7 },
  key,
})
const partial = (key: string, part: string, partition = 0): Stored => ({
  _id: partialId({ tenant: TENANT, key, part, topic: TOPIC, partition }),
  ...{ _tenant: TENANT, _partition: partition, _sequence: 9 },
  part,
})
const progress = (lastSequence: number): Progress => ({
  ...{ nextOffset: lastSequence, lastSequence, lastId: `e-${lastSequence}`, lastTs: 1, watermark: null },
})
const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `k-${String(index).padStart(6, '0')}`)

describe('the keys of a build', () => {
  it('are none of one that has no documents', async () => {
    expect(await keysOf(open(false))).toEqual([])
    expect(await open(false).extent()).toEqual({ documents: 0, bytes: 0 })
  })

  it.each([4_999, 5_000, 5_001, 10_000])('are all %d, of all tenants, in order, in chunks', async (count) => {
    await put(...numbered(count - 1).map((key) => document(key)), document('k', 'acme'))
    const chunks = await keysOf(open(false))
    expect(chunks.flat()).toEqual(['acme/k', ...numbered(count - 1).map((key) => `${TENANT}/${key}`)])
    expect(chunks).toHaveLength(Math.ceil(count / 5_000))
    expect((await open(false).extent()).documents).toBe(count)
  })

  it('come once each, also where the partials of one lie in two chunks', async () => {
    const singles = numbered(4_998)
    await put(
      ...singles.map((key) => partial(key, '')),
      ...['a', 'b', 'c', 'd'].map((part) => partial('straddles', part)),
      partial('straddles', 'd', 1),
      partial('z', ''),
    )
    expect(await keysOf(open(true))).toEqual([
      [...singles, 'straddles'].map((key) => `${TENANT}/${key}`),
      [`${TENANT}/z`],
    ])
  })

  it('come once also where the partials of one fill chunks', async () => {
    await put(...numbered(11_000).map((part) => partial('large', part)), partial('next', ''))
    expect(await keysOf(open(true))).toEqual([[`${TENANT}/large`], [`${TENANT}/next`]])
  })
})

describe('documents of a build', () => {
  it('say where they come from and of what event, without the engine’s members', async () => {
    await put(document('a'), document('b'), document('a', 'acme'))
    const { documents, reached } = await open(false).read([`${TENANT}/a`, 'acme/a', `${TENANT}/none`])
    expect(Object.fromEntries(documents)).toEqual({
      [`${TENANT}/a`]: [{ id: `${TENANT}/a`, place: `${TOPIC}/2`, sequence: 7, fields: { key: 'a' } }],
      'acme/a': [{ id: 'acme/a', place: `${TOPIC}/2`, sequence: 7, fields: { key: 'a' } }],
    })
    expect(reached.size).toBe(0)
  })

  it('have, when grouped, all their partials and none of another key', async () => {
    await put(
      ...[partial('a', ''), partial('a', 'may', 1), partial('a-b', ''), partial('a0', ''), partial('b', '')],
    )
    const { documents } = await open(true).read([`${TENANT}/a`, `${TENANT}/b`])
    expect([...documents.keys()].sort()).toEqual([`${TENANT}/a`, `${TENANT}/b`])
    expect(documents.get(`${TENANT}/a`)).toEqual([
      { id: partial('a', '')._id, place: `${TOPIC}/0`, sequence: 9, fields: { part: '' } },
      { id: partial('a', 'may', 1)._id, place: `${TOPIC}/1`, sequence: 9, fields: { part: 'may' } },
    ])
  })

  it('come with the checkpoints of this build alone', async () => {
    const store = mongoProjectionStore(database.connection)
    for (const [projection, partition] of [
      [build, 0],
      [build, 3],
      [`${build}.1`, 4],
    ] as const) {
      const id = { projection, topic: TOPIC, partition }
      const from = await store.claim(id, { owner: 'a', incarnation: 1 })
      const to = { ...progress(10 + partition), watermark: partition === 0 ? null : 1_000 }
      await store.commit(id, { from, to, writes: [] })
    }
    for (const keys of [[], [`${TENANT}/none`]]) {
      const { documents, reached, watermarks } = await open(false).read(keys)
      expect(documents.size).toBe(0)
      expect(Object.fromEntries(reached)).toEqual({ [`${TOPIC}/0`]: 10, [`${TOPIC}/3`]: 13 })
      expect(Object.fromEntries(watermarks)).toEqual({ [`${TOPIC}/0`]: null, [`${TOPIC}/3`]: 1_000 })
    }
  })

  it.each([false, true])('are of the very moment of their checkpoints (grouped: %s)', async (isGrouped) => {
    const keys = ['a', 'b', 'c']
    const lanes = [0, 1].map((partition) => ({ projection: build, topic: TOPIC, partition }))
    const idOf = (key: string, partition: number): string =>
      isGrouped
        ? partialId({ tenant: TENANT, key, part: '', topic: TOPIC, partition })
        : `${TENANT}/${key}-${partition}`
    await ensureReadModelIndexes(database.connection, { projection: build, indexes: [] })
    let isOver = false
    const write = async (id: (typeof lanes)[number]): Promise<void> => {
      const store = mongoProjectionStore(database.connection)
      let from = await store.claim(id, { owner: 'a', incarnation: 1 })
      for (let sequence = 1; !isOver; sequence++) {
        const key = keys[sequence % keys.length] ?? ''
        const change = { id: idOf(key, id.partition), tenant: TENANT, sequence, fields: { n: sequence } }
        const to = progress(sequence)
        expect(await store.commit(id, { from, to, writes: [change] })).toBe('applied')
        from = { ...from, ...to }
      }
    }
    const writers = lanes.map(write)
    const wanted = isGrouped
      ? keys
      : lanes.flatMap(({ partition }) => keys.map((key) => `${key}-${partition}`))
    const reader = open(isGrouped)
    const moments = new Set<string>()
    try {
      for (let looks = 0; looks < 5_000 && moments.size < 100; looks++) {
        const { documents, reached } = await reader.read(wanted.map((key) => `${TENANT}/${key}`))
        for (const { partition } of lanes) {
          const place = `${TOPIC}/${partition}`
          const last = reached.get(place) ?? 0
          const shown = [...documents.values()].flat().filter((one) => one.place === place)
          const expected = [last - 2, last - 1, last].filter((sequence) => sequence > 0)
          expect(shown.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual(expected)
          expect(shown.every(({ fields, sequence }) => fields['n'] === sequence)).toBe(true)
        }
        moments.add([...reached.values()].join())
      }
    } finally {
      isOver = true
      await Promise.all(writers)
    }
    expect(moments.size).toBeGreaterThanOrEqual(100)
  })
})

describe('what a build has parked', () => {
  it('is told by the sequences of one partition, with the keys', async () => {
    const store = mongoProjectionStore(database.connection)
    const keyOf = (sequence: number | null) => (sequence === 8 ? null : Buffer.from('demo/o-1'))
    const park = async (partition: number, ...sequences: (number | null)[]): Promise<void> => {
      const id = { projection: build, topic: TOPIC, partition }
      const from = await store.claim(id, { owner: 'a', incarnation: 1 })
      const parked = sequences.map((sequence, offset) => ({
        ...{ sequence, offset, timestamp: 1, key: keyOf(sequence), value: null, headers: {} },
        ...{ watermark: null, reason: { type: 'waits' } as const },
      }))
      await store.commit(id, { from, to: progress(20), writes: [], parked })
    }
    await park(0, 3, 8, null)
    await park(1, 4)
    expect(await open(false).parked({ topic: TOPIC, partition: 0 })).toEqual(
      new Map([
        [3, 'demo/o-1'],
        [8, null],
      ]),
    )
    expect(await open(false).parked({ topic: TOPIC, partition: 1 })).toEqual(new Map([[4, 'demo/o-1']]))
    expect(await open(false).parked({ topic: TOPIC, partition: 2 })).toEqual(new Map())
  })
})
