import { describe, expect, it } from '@jest/globals'
import type { Snapshot, SnapshotStore } from '@millrace/mongo'
import fc from 'fast-check'
import { streamIdOf } from '../src/aggregate.ts'
import { makeAggregates, type Aggregates } from '../src/aggregates.ts'
import { memorySnapshotStore } from '../src/memory-snapshot-store.ts'
import type { IgnoredSnapshot } from '../src/snapshot.ts'
import { codec, memoryStreams, orderAt, refOf, stateAt, type MemoryStreams } from './memory-streams.ts'
import { snapshotAt, spoilt } from './some-snapshots.ts'

const ref = refOf('p-1')

type Rig = {
  readonly store: MemoryStreams
  readonly snapshots: SnapshotStore
  readonly ignored: IgnoredSnapshot[]
  readonly aggregates: Aggregates
}

const rigWith = (store: MemoryStreams, snapshots: Pick<SnapshotStore, 'closest'>) => {
  const ignored: IgnoredSnapshot[] = []
  const onIgnored = (one: IgnoredSnapshot): void => void ignored.push(one)
  const patience = { patienceMs: 20, restMs: 60_000 }
  return { ignored, aggregates: makeAggregates({ store, codec, snapshots, onIgnored, patience }) }
}

/** A stream of these commits, with snapshots at some of their ends. */
const rigOf = async (sizes: readonly number[], snapshotVersions: readonly number[] = []): Promise<Rig> => {
  const store = memoryStreams()
  store.write('p-1', sizes)
  const snapshots = memorySnapshotStore({ maxBytes: 1024 * 1024 })
  for (const version of snapshotVersions) await snapshots.save(await snapshotAt(store, ref, version))
  return { store, snapshots, ...rigWith(store, snapshots) }
}

const ones = (count: number): number[] => new Array<number>(count).fill(1)

/** Answers with this, whatever was saved. */
const answering = (version: number, content: unknown): Pick<SnapshotStore, 'closest'> => ({
  closest: async (_, upTo = {}) => (version <= (upTo.version ?? version) ? { version, content } : undefined),
})

/** Sizes of commits, and which of their ends have a snapshot. */
const anyStream = fc
  .array(fc.record({ size: fc.integer({ min: 1, max: 4 }), hasSnapshot: fc.boolean() }), { maxLength: 12 })
  .map((commits) => {
    const ends = commits.map((_, index) =>
      commits.slice(0, index + 1).reduce((sum, { size }) => sum + size, 0),
    )
    return {
      sizes: commits.map(({ size }) => size),
      ends,
      snapshots: ends.filter((_, index) => commits[index]?.hasSnapshot),
    }
  })

describe('an aggregate that is loaded', () => {
  it('is the fold of all its events, whatever snapshots there are', async () => {
    await fc.assert(
      fc.asyncProperty(anyStream, async ({ sizes, ends, snapshots }) => {
        const { aggregates, ignored } = await rigOf(sizes, snapshots)
        const version = ends.at(-1) ?? 0
        const first = version - (sizes.at(-1) ?? 0) + 1
        expect(await aggregates.load(ref)).toEqual({
          version,
          order: version === 0 ? 0 : orderAt(first),
          lastCommitId: version === 0 ? undefined : `h-commit-${first}`,
          state: stateAt(version),
        })
        expect(ignored).toEqual([])
      }),
    )
  })

  it('is read from the last commit of its newest snapshot on', async () => {
    const { aggregates, store } = await rigOf(ones(100), [30, 90])
    const before = store.read()
    expect((await aggregates.load(ref)).version).toBe(100)
    expect(store.read() - before).toBe(11)
  })

  it('goes on from what is known, without a snapshot', async () => {
    const { aggregates, store } = await rigOf(ones(10), [9])
    const known = await aggregates.load(ref)
    store.write('p-1', [2])
    const before = store.read()
    expect(await aggregates.load(ref, known)).toMatchObject({ version: 12, state: stateAt(12) })
    expect(store.read() - before).toBe(2)
    expect(await aggregates.load(ref, known)).toEqual(await aggregates.load(ref))
  })

  it.each(spoilt)(
    'is right beside a snapshot that is spoilt, and counts it: $reason',
    async ({ reason, spoil }) => {
      const { store } = await rigOf([2, 3, 1])
      const bad = spoil(await snapshotAt(store, ref, 5))
      const { aggregates, ignored } = rigWith(store, answering(5, bad))
      expect(await aggregates.load(ref)).toMatchObject({ version: 6, state: stateAt(6) })
      expect(ignored).toEqual([{ ...streamIdOf(ref), version: 5, reason }])
    },
  )

  it('takes the snapshot before one that is spoilt', async () => {
    const { aggregates, store, snapshots, ignored } = await rigOf(ones(20), [5, 15])
    await snapshots.save({ ...(await snapshotAt(store, ref, 10)), checksum: 'wrong' })
    await snapshots.save({ ...(await snapshotAt(store, ref, 15)), checksum: 'wrong' })
    const before = store.read()
    expect(await aggregates.load(ref)).toMatchObject({ version: 20, state: stateAt(20) })
    expect(store.read() - before).toBe(16)
    expect(ignored.map(({ version }) => version)).toEqual([15, 10])
  })

  it('gives up on snapshots when one after the other is wrong', async () => {
    const { aggregates, store, snapshots, ignored } = await rigOf(ones(30))
    for (let version = 1; version <= 30; version++)
      await snapshots.save({ ...(await snapshotAt(store, ref, version)), checksum: 'wrong' })
    expect(await aggregates.load(ref)).toMatchObject({ version: 30, state: stateAt(30) })
    expect(ignored).toHaveLength(8)
  })

  describe('after the event store was restored from a backup', () => {
    it('is what the store has, not what a later snapshot says', async () => {
      const { aggregates, store, ignored } = await rigOf(ones(20), [8, 20])
      store.restore('p-1', 12)
      expect(await aggregates.load(ref)).toMatchObject({ version: 12, state: stateAt(12) })
      expect(ignored).toMatchObject([{ version: 20, reason: 'other-history' }])
    })

    it('is what has happened since, though it is as long as the snapshot again', async () => {
      const { aggregates, store, ignored } = await rigOf(ones(20), [8, 20])
      store.restore('p-1', 12)
      store.write('p-1', [3, 3, 6], 'other')
      expect(await aggregates.load(ref)).toMatchObject({ version: 24, lastCommitId: 'other-commit-19' })
      expect(ignored).toMatchObject([{ version: 20, reason: 'other-history' }])
    })

    it('is absent when the store does not have it at all', async () => {
      const { aggregates, store, ignored } = await rigOf(ones(3), [2])
      store.restore('p-1', 0)
      expect(await aggregates.load(ref)).toMatchObject({ version: 0, state: stateAt(0) })
      expect(ignored).toMatchObject([{ reason: 'other-history' }])
    })
  })

  describe('while the snapshot store does not answer', () => {
    const down: SnapshotStore['closest'] = () => Promise.reject(new Error('no route to host'))
    const silent: SnapshotStore['closest'] = () => new Promise(() => undefined)

    it.each([
      ['refuses', down],
      ['is silent', silent],
    ])('is folded from the first event: it %s', async (_, closest) => {
      const { store } = await rigOf(ones(5))
      const { aggregates, ignored } = rigWith(store, { closest })
      expect(await aggregates.load(ref)).toMatchObject({ version: 5, state: stateAt(5) })
      expect(ignored).toEqual([{ ...streamIdOf(ref), version: undefined, reason: 'unavailable' }])
    })

    it('is not made to wait for it again and again', async () => {
      const { store } = await rigOf(ones(5))
      let asked = 0
      const { aggregates, ignored } = rigWith(store, {
        closest: () => {
          asked += 1
          return silent(streamIdOf(ref))
        },
      })
      for (let load = 0; load < 5; load++) await aggregates.load(ref)
      expect([asked, ignored.length]).toEqual([1, 5])
    })
  })

  it('fails when the event store does, whatever the snapshots say', async () => {
    const { store } = await rigOf(ones(5))
    const snapshot: Snapshot = await snapshotAt(store, ref, 5)
    const broken = { ...store, load: () => Promise.reject(new Error('no primary')) }
    const { aggregates } = rigWith(broken, answering(5, snapshot))
    await expect(aggregates.load(ref)).rejects.toThrow('no primary')
  })
})

describe('an aggregate as it was', () => {
  it('is the fold of its first events, also inside a commit, whatever snapshots there are', async () => {
    await fc.assert(
      fc.asyncProperty(anyStream, fc.nat(60), async ({ sizes, ends, snapshots }, wanted) => {
        const { aggregates, ignored } = await rigOf(sizes, snapshots)
        const version = Math.min(wanted, ends.at(-1) ?? 0)
        expect(await aggregates.loadPast(ref, { version: wanted })).toEqual({
          version,
          state: stateAt(version),
        })
        expect(ignored).toEqual([])
      }),
    )
  })

  it('at a time has the commits up to that millisecond', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyStream,
        fc.integer({ min: -1, max: 30_000 }),
        async ({ sizes, ends, snapshots }, at) => {
          const { aggregates } = await rigOf(sizes, snapshots)
          const there = ends.filter((end, index) => orderAt(end - (sizes[index] ?? 0) + 1) / 1_000 <= at)
          const version = there.at(-1) ?? 0
          expect(await aggregates.loadPast(ref, { at })).toEqual({ version, state: stateAt(version) })
        },
      ),
    )
  })

  it('is read from the closest snapshot before', async () => {
    const { aggregates, store } = await rigOf(ones(100), [30, 60, 90])
    const before = store.read()
    expect(await aggregates.loadPast(ref, { version: 70 })).toEqual({ version: 70, state: stateAt(70) })
    expect(await aggregates.loadPast(ref, { at: orderAt(70) / 1_000 })).toEqual({
      version: 70,
      state: stateAt(70),
    })
    expect(store.read() - before).toBe(22)
  })

  it.each(spoilt)(
    'is right beside a snapshot that is spoilt, and counts it: $reason',
    async ({ reason, spoil }) => {
      const { store } = await rigOf([2, 3, 1, 4])
      const bad = spoil(await snapshotAt(store, ref, 5))
      const { aggregates, ignored } = rigWith(store, answering(5, bad))
      expect(await aggregates.loadPast(ref, { version: 8 })).toEqual({ version: 8, state: stateAt(8) })
      expect(ignored.map((one) => one.reason)).toEqual([reason])
    },
  )
})
