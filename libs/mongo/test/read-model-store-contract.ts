/*
 * What any store of read models has to do, told by the port alone: no collection is looked into. An adapter's test calls
 * this with a way to open a store that nobody else uses.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { CheckpointId } from '../src/documents.ts'
import { documentId, partialId } from '../src/document-id.ts'
import type { DocumentWrite, Progress } from '../src/lane-commits.ts'
import type { ReadModelStore } from '../src/read-model-store.ts'

type Opened = { readonly store: ReadModelStore; close(): Promise<void> }

const TENANT = 'acme'
const OTHER = 'other'
const TOPIC = 'orders.order.events'

export const readModelStoreContract = (adapter: string, open: () => Promise<Opened>): void => {
  describe(`${adapter} as a store of read models`, () => {
    let opened: Opened
    let store: ReadModelStore
    let model: string
    let models = 0
    beforeAll(async () => {
      opened = await open()
      store = opened.store
    })
    afterAll(() => opened.close())
    beforeEach(() => {
      models += 1
      model = `model-${models}`
    })

    const lane = (build: string, partition = 0): CheckpointId => ({
      projection: `${model}.${build}`,
      topic: TOPIC,
      partition,
    })
    const put = (
      key: string,
      fields: DocumentWrite['fields'],
      { tenant = TENANT, sequence = 1 } = {},
    ): DocumentWrite => ({ tenant, id: documentId({ tenant, key }), sequence, fields })
    const at = (sequence: number): Progress => ({
      nextOffset: sequence,
      lastSequence: sequence,
      lastId: `event-${sequence}`,
      lastTs: sequence,
      watermark: sequence,
    })
    /** Stores and deletes, as the lane of one partition does. */
    const commitTo = async (build: string, writes: readonly DocumentWrite[], to: number): Promise<void> => {
      const from = await store.projections.claim(lane(build), { owner: 'a', incarnation: 1 })
      expect(await store.projections.commit(lane(build), { from, to: at(to), writes })).toBe('applied')
    }
    const load = (build: string, ...keys: string[]) =>
      store.projections.find(
        `${model}.${build}`,
        keys.map((key) => ({ tenant: TENANT, id: documentId({ tenant: TENANT, key }) })),
      )
    const query = (build: string, tenant = TENANT) =>
      store.reads.list({
        ...{ projection: `${model}.${build}`, tenant, conditions: [{ field: 'n', from: 2 }] },
        ...{ sort: { field: 'n', descending: true }, limit: 10 },
      })

    it('loads what was stored, each tenant its own', async () => {
      await commitTo('v1', [put('o-1', { n: 1 }), put('o-1', { n: 9 }, { tenant: OTHER })], 2)
      expect([...(await load('v1', 'o-1', 'o-2'))]).toEqual([[`${TENANT}/o-1`, { n: 1 }]])
    })

    it('stores a document whole, and deletes it', async () => {
      await commitTo('v1', [put('o-1', { n: 1, m: 1 })], 1)
      await commitTo('v1', [put('o-1', { n: 2 })], 2)
      expect([...(await load('v1', 'o-1')).values()]).toEqual([{ n: 2 }])
      await commitTo('v1', [put('o-1', null)], 3)
      expect((await load('v1', 'o-1')).size).toBe(0)
    })

    it('stores documents and checkpoint together, or neither', async () => {
      const from = await store.projections.claim(lane('v1'), { owner: 'a', incarnation: 1 })
      await store.projections.claim(lane('v1'), { owner: 'b', incarnation: 1 })
      const stale = { from, to: at(5), writes: [put('o-1', { n: 1 })] }
      expect(await store.projections.commit(lane('v1'), stale)).toBe('fenced')
      expect((await load('v1', 'o-1')).size).toBe(0)
      expect(await store.projections.read(lane('v1'))).toMatchObject({ lastSequence: 0, owner: 'b' })
    })

    it('queries by declared fields, in order, of one tenant', async () => {
      await store.prepare(`${model}.v1`, [{ n: 1 }])
      const documents = [1, 2, 3].map((n) => put(`o-${n}`, { n }))
      await commitTo('v1', [...documents, put('o-9', { n: 9 }, { tenant: OTHER })], 4)
      expect((await query('v1')).map(({ fields }) => fields['n'])).toEqual([3, 2])
      expect((await query('v1', OTHER)).map(({ fields }) => fields['n'])).toEqual([9])
    })

    it('queries by the beginning of keys, in the order of UTF-8, and says which event was the last of each', async () => {
      const keys = ['a/\u{10000}', 'a/\uffff', 'a.b', 'a', 'b']
      const documents = keys.map((key, index) => put(key, {}, { sequence: index + 1 }))
      await commitTo('v1', [...documents, put('a/9', {}, { tenant: OTHER })], 9)
      const found = await store.reads.list({
        ...{ projection: `${model}.v1`, tenant: TENANT, keyPrefix: 'a/', conditions: [] },
        ...{ sort: undefined, limit: 10 },
      })
      expect(found.map(({ id, sequence }) => [id, sequence])).toEqual([
        [`${TENANT}/a/\uffff`, 2],
        [`${TENANT}/a/\u{10000}`, 1],
      ])
    })

    it('finds the partials of a key, and only those', async () => {
      const partial = (key: string, part: string, partition: number): DocumentWrite => ({
        ...put(key, { from: `${part}@${partition}` }),
        id: partialId({ tenant: TENANT, key, part, topic: TOPIC, partition }),
      })
      await commitTo('v1', [partial('c-1', 'a', 0), partial('c-1', 'b', 1), partial('c-10', 'a', 0)], 3)
      const found = await store.reads.findPartials(`${model}.v1`, { tenant: TENANT, key: 'c-1' })
      expect(found).toEqual([{ from: 'a@0' }, { from: 'b@1' }])
    })

    it('queries all, with how far each partition is', async () => {
      await commitTo('v1', [put('o-1', { n: 1 }), put('o-1', { n: 9 }, { tenant: OTHER })], 2)
      const reader = store.reader({ build: `${model}.v1`, isGrouped: false, topic: TOPIC })
      const keys: string[] = []
      for await (const chunk of reader.keys()) keys.push(...chunk)
      expect(keys).toEqual([`${TENANT}/o-1`, `${OTHER}/o-1`])
      const sight = await reader.read(keys)
      expect(sight.reached.get(`${TOPIC}/0`)).toBe(2)
      expect([...sight.documents.values()].flat().map(({ fields }) => fields)).toEqual([{ n: 1 }, { n: 9 }])
    })

    it('creates a build beside the served one, swaps them, and drops the old one', async () => {
      await store.builds.register(model, 'v1')
      await commitTo('v1', [put('o-1', { n: 1 })], 1)
      const { name } = await store.builds.start(model, 'v1')
      await commitTo(name, [put('o-1', { n: 2 })], 1)
      expect((await store.builds.lease(model)).served).toBe('v1')
      await store.builds.switchTo(model, name)
      expect((await store.builds.lease(model)).served).toBe(name)
      await store.builds.retire(model, 'v1')
      await store.builds.deleteData(model, 'v1')
      expect((await load('v1', 'o-1')).size).toBe(0)
      expect([...(await load(name, 'o-1')).values()]).toEqual([{ n: 2 }])
    })

    it('keeps what is parked of a lane with it, and forgets it with the build', async () => {
      const from = await store.projections.claim(lane('v1'), { owner: 'a', incarnation: 1 })
      const record = { key: Buffer.from('acme/o-1'), value: null, headers: {}, timestamp: 1, watermark: null }
      const parked = { ...record, sequence: 1, offset: 0, reason: { type: 'waits' } as const }
      await store.projections.commit(lane('v1'), { from, to: at(1), writes: [], parked: [parked] })
      expect(await store.projections.parkedKeys(lane('v1'))).toEqual(new Set(['acme/o-1']))
      expect(await store.projections.parkedKeys(lane('v1', 1))).toEqual(new Set())
      await store.builds.deleteData(model, 'v1')
      expect(await store.projections.parkedKeys(lane('v1'))).toEqual(new Set())
    })
  })
}
