import { randomUUID } from 'node:crypto'
import { beforeEach, expect, it } from '@jest/globals'
import type { Snapshot, SnapshotStore, StoredSnapshot, StreamId } from '@millrace/mongo'
import { parseHeader, parseSnapshot } from '../src/snapshot.ts'

export const aSnapshot = (stream: StreamId, version: number, given: Partial<Snapshot> = {}): Snapshot => ({
  ...stream,
  version,
  order: version * 1_000,
  lastCommitId: `commit-${version}`,
  lastCommitFirst: version,
  lastEventId: `event-${version}`,
  stateVersion: 1,
  state: { status: 'listed', price: { amount: version, currency: 'EUR' }, tags: ['a', null, 1.5, true, ''] },
  checksum: `checksum-${version}`,
  takenAt: 1_767_225_600_000,
  provenVersion: version,
  ...given,
})

const freshStream = (): StreamId => ({ tenant: 'demo', stream: `catalog.product-${randomUUID()}` })

/** Names that a file system or a query language might take for others. */
const awkward = [
  { tenant: 'demo', stream: 'catalog.product-a' },
  { tenant: 'demo', stream: 'catalog.product-A' },
  { tenant: 'Demo', stream: 'catalog.product-a' },
  { tenant: 'demo', stream: 'catalog.product-../../a' },
  { tenant: 'demo/catalog', stream: 'product-a' },
  { tenant: 'demo', stream: 'catalog.product-\u00e9' },
  { tenant: 'demo', stream: 'catalog.product-e\u0301' },
  { tenant: 'demo', stream: 'catalog.product-%2e%2e' },
  { tenant: 'demo', stream: `catalog.product-${'x'.repeat(1_000)}` },
  { tenant: '..', stream: '..' },
  { tenant: '$where', stream: '{"$gt":""}' },
]

/** What every snapshot store keeps to. */
export const testSnapshotStore = (open: () => SnapshotStore): void => {
  let store: SnapshotStore
  let stream: StreamId
  beforeEach(() => {
    store = open()
    stream = freshStream()
  })

  const saveAll = async (versions: readonly number[]): Promise<void> => {
    for (const version of versions) await store.save(aSnapshot(stream, version))
  }
  const versions = (stored: readonly StoredSnapshot[]): number[] => stored.map(({ version }) => version)

  it('has nothing of a stream that has no snapshot', async () => {
    expect(await store.closest(stream)).toBeUndefined()
    expect(await store.list(stream)).toEqual([])
    expect(await store.newest([stream])).toEqual([undefined])
    await store.remove(stream, [1])
  })

  it('gives back what was saved', async () => {
    const snapshot = aSnapshot(stream, 100)
    await store.save(snapshot)
    const stored = await store.closest(stream)
    expect(stored && parseSnapshot(stream, stored)).toEqual(snapshot)
  })

  it('gives the one with the highest version, or the highest within the bounds', async () => {
    await saveAll([100, 1_000, 200, 99])
    const closest = async (
      ...upTo: Parameters<SnapshotStore['closest']> extends [unknown, ...infer Rest] ? Rest : never
    ) => (await store.closest(stream, ...upTo))?.version
    expect(await closest()).toBe(1_000)
    expect(await closest({ version: 999 })).toBe(200)
    expect(await closest({ version: 200 })).toBe(200)
    expect(await closest({ version: 98 })).toBeUndefined()
    expect(await closest({ order: 199_999 })).toBe(100)
    expect(await closest({ order: 200_000 })).toBe(200)
    expect(await closest({ order: 98_999 })).toBeUndefined()
    expect(await closest({ version: 150, order: 99_500 })).toBe(99)
  })

  it('lists them with their headers, the newest first', async () => {
    await saveAll([100, 1_000, 200])
    const listed = await store.list(stream)
    expect(versions(listed)).toEqual([1_000, 200, 100])
    const { state: _, ...header } = aSnapshot(stream, 1_000)
    expect(listed.map((stored) => parseHeader(stream, stored))[0]).toEqual(header)
  })

  it('tells the newest of many streams, in the order they were asked for', async () => {
    const other = freshStream()
    await saveAll([100, 300])
    await store.save(aSnapshot(other, 20, { stateVersion: 7 }))
    const asked = [other, freshStream(), stream, other, { ...stream, tenant: 'other' }]
    const newest = await store.newest(asked)
    expect(newest.map((stored) => stored?.version)).toEqual([20, undefined, 300, 20, undefined])
    expect(newest[0]?.content).toMatchObject({ version: 20, stateVersion: 7, takenAt: 1_767_225_600_000 })
    expect(await store.newest([])).toEqual([])
  })

  it('keeps one a version, the last that was saved', async () => {
    await store.save(aSnapshot(stream, 100))
    await store.save(aSnapshot(stream, 100, { state: 'other', checksum: 'other' }))
    expect((await store.closest(stream))?.content).toMatchObject({ state: 'other', checksum: 'other' })
    expect(versions(await store.list(stream))).toEqual([100])
  })

  it('removes those that are named, and no others', async () => {
    await saveAll([100, 200, 300])
    await store.remove(stream, [200, 201])
    await store.remove(stream, [])
    expect(versions(await store.list(stream))).toEqual([300, 100])
    await store.remove(stream, [300, 100])
    expect(await store.closest(stream)).toBeUndefined()
  })

  it('keeps one whole snapshot of several that are saved at the same time', async () => {
    const large = 'x'.repeat(100_000)
    await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        store.save(aSnapshot(stream, 100, { state: `${n}${large}`, order: n })),
      ),
    )
    const stored = await store.closest(stream)
    const snapshot = stored && parseSnapshot(stream, stored)
    expect(snapshot?.state).toBe(`${snapshot?.order}${large}`)
    expect(versions(await store.list(stream))).toEqual([100])
  })

  it('never takes one stream for another', async () => {
    const run = randomUUID()
    const streams = awkward.map((one) => ({ ...one, stream: `${one.stream}${run}` }))
    for (const [index, one] of streams.entries()) await store.save(aSnapshot(one, index + 1))
    for (const [index, one] of streams.entries()) {
      const listed = await store.list(one)
      expect(versions(listed)).toEqual([index + 1])
      expect(listed.map((stored) => parseHeader(one, stored)?.tenant)).toEqual([one.tenant])
    }
    expect((await store.newest(streams)).map((stored) => stored?.version)).toEqual(
      streams.map((_, index) => index + 1),
    )
  })
}
