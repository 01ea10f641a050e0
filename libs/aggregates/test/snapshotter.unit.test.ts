import { describe, expect, it } from '@jest/globals'
import { ImpossibleEventError, type AnyContext } from '@millrace/domain'
import { DecodeError } from '@millrace/events'
import type { Snapshot, SnapshotStore } from '@millrace/mongo'
import fc from 'fast-check'
import { streamIdOf } from '../src/aggregate.ts'
import { makeAggregates } from '../src/aggregates.ts'
import { memorySnapshotStore } from '../src/memory-snapshot-store.ts'
import type { IgnoredSnapshot } from '../src/snapshot.ts'
import { makeSnapshotter } from '../src/snapshotter.ts'
import { checksumOf } from '../src/state-checksum.ts'
import {
  codec,
  memoryStreams,
  products,
  refOf,
  stateAt,
  withPolicy,
  type MemoryStreams,
} from './memory-streams.ts'
import { snapshotAt, spoilt } from './some-snapshots.ts'

const NOW_MS = 1_767_225_600_000
const ref = refOf('p-1')
const stream = streamIdOf(ref)
const ones = (count: number): number[] => new Array<number>(count).fill(1)

const snapshotterOver = (store: MemoryStreams, snapshots: SnapshotStore) => {
  const ignored: IgnoredSnapshot[] = []
  const onIgnored = (one: IgnoredSnapshot): void => void ignored.push(one)
  return { ignored, snapshotter: makeSnapshotter({ store, codec, snapshots, now: () => NOW_MS, onIgnored }) }
}

const rigOf = (sizes: readonly number[]) => {
  const store = memoryStreams()
  store.write('p-1', sizes)
  const snapshots = memorySnapshotStore({ maxBytes: 1024 * 1024 })
  const kept = async (): Promise<number[]> => (await snapshots.list(stream)).map(({ version }) => version)
  return { store, snapshots, kept, ...snapshotterOver(store, snapshots) }
}

/** The product context after somebody changed its fold: prices are doubled, and the stateVersion as they wish. */
const changed = (stateVersion: number): AnyContext => ({
  ...withPolicy({ stateVersion }),
  decider: {
    ...products.decider,
    evolve: (state, event) => {
      const next = products.decider.evolve(state, event) as { price: { amount: number } }
      return { ...next, price: { ...next.price, amount: next.price.amount * 2 } }
    },
  },
})

describe('a snapshot', () => {
  it('is taken at the end of the last commit, from the first event when there is no other', async () => {
    const { snapshotter, snapshots } = rigOf([3, 4, 5])
    const taken = await snapshotter.refresh(ref)
    const snapshot: Snapshot = {
      ...stream,
      version: 12,
      order: 8_000_000,
      lastCommitId: 'h-commit-8',
      lastCommitFirst: 8,
      lastEventId: 'h-event-12',
      stateVersion: products.snapshots.stateVersion,
      state: stateAt(12),
      checksum: checksumOf(stateAt(12)),
      takenAt: NOW_MS,
      provenVersion: 12,
    }
    expect(taken).toEqual({ snapshot, isNew: true, from: 'first-event', dropped: [] })
    expect((await snapshots.closest(stream))?.content).toEqual(snapshot)
    expect(await snapshotter.latest(ref)).toEqual(snapshot)
  })

  it('is taken from the one before, until the stream has doubled', async () => {
    const { snapshotter, store } = rigOf(ones(100))
    const from: string[] = []
    const read: number[] = []
    for (let step = 0; step < 8; step++) {
      const before = store.read()
      from.push((await snapshotter.refresh(ref))?.from ?? 'nothing')
      read.push(store.read() - before)
      store.write('p-1', ones(50))
    }
    // At 100, 150, 200, 250, 300, 350, 400 and 450 events.
    const first = 'first-event'
    const next = 'snapshot'
    expect(from).toEqual([first, next, first, next, next, next, first, next])
    expect(read.filter((_, index) => from[index] === next)).toEqual([51, 51, 51, 51, 51])
  })

  it('is left as it is when nothing has happened since', async () => {
    const { snapshotter, snapshots, store } = rigOf(ones(5))
    const former = (await snapshotter.rebuild(ref))?.snapshot
    const later = makeSnapshotter({ store, codec, snapshots, now: () => NOW_MS + 1 })
    expect(await later.rebuild(ref)).toMatchObject({ isNew: false, dropped: [], snapshot: former })
    expect(await later.refresh(ref)).toMatchObject({ isNew: false, dropped: [] })
    expect((await snapshots.closest(stream))?.content).toEqual(former)
  })

  it('of a stream that does not exist is none', async () => {
    const { snapshotter } = rigOf([])
    expect([
      await snapshotter.refresh(ref),
      await snapshotter.rebuild(ref),
      await snapshotter.latest(ref),
    ]).toEqual([undefined, undefined, undefined])
  })

  it('of a stream that cannot be folded or read is not taken', async () => {
    const { snapshotter, store, kept } = rigOf(ones(3))
    const readable = store.load
    store.load = async (tail) => {
      const page = await readable(tail)
      return { ...page, events: page.events.toReversed() }
    }
    await expect(snapshotter.refresh(ref)).rejects.toThrow(ImpossibleEventError)
    store.load = async (tail) => {
      const page = await readable(tail)
      return { ...page, events: page.events.map((event) => ({ ...event, bytes: Buffer.from('?') })) }
    }
    await expect(snapshotter.refresh(ref)).rejects.toThrow(DecodeError)
    expect(await kept()).toEqual([])
  })
})

describe('wrong snapshots', () => {
  it.each(spoilt)('that are met are replaced: $reason', async ({ reason, spoil, isNewer = false }) => {
    const { store, snapshots, snapshotter, ignored, kept } = rigOf(ones(10))
    for (const version of [5, 10]) await snapshots.save(await snapshotAt(store, ref, version))
    const bad = spoil(await snapshotAt(store, ref, 10))
    const stored = { version: 10, content: bad }
    let isSpoilt = true
    const overlaid: SnapshotStore = {
      ...snapshots,
      closest: async (id, upTo = {}) =>
        isSpoilt && (upTo.version ?? 10) >= 10 ? stored : snapshots.closest(id, upTo),
      list: async (id) => {
        const listed = await snapshots.list(id)
        return isSpoilt ? [stored, ...listed.slice(1)] : listed
      },
      save: async (snapshot) => {
        isSpoilt = false
        await snapshots.save(snapshot)
      },
      remove: async (id, versions) => {
        isSpoilt &&= !versions.includes(10)
        await snapshots.remove(id, versions)
      },
    }
    const { snapshotter: faced, ignored: told } = snapshotterOver(store, overlaid)
    const taken = await faced.refresh(ref)
    expect(told.map((one) => one.reason)).toEqual([reason])
    expect(taken?.dropped).toEqual(isNewer ? [] : [{ version: 10, reason }])
    expect(taken?.isNew).toBe(true)
    expect(await snapshotter.latest(ref)).toMatchObject({ version: 10, state: stateAt(10) })
    expect(ignored).toEqual([])
    expect(await kept()).toEqual([10, 5])
  })

  it('of a fold that changed without a new stateVersion are found when the stream has doubled', async () => {
    const { store, snapshots, snapshotter, kept } = rigOf(ones(10))
    await snapshotter.refresh(ref)
    store.write('p-1', ones(5))
    const now = refOf('p-1', changed(products.snapshots.stateVersion))
    // Made from the former one: nothing can be noticed yet.
    expect(await snapshotter.refresh(now)).toMatchObject({ from: 'snapshot', dropped: [] })
    store.write('p-1', ones(5))
    const taken = await snapshotter.refresh(now)
    expect(taken).toMatchObject({
      from: 'first-event',
      snapshot: { version: 20, provenVersion: 20, state: { price: { amount: 40 } } },
      dropped: [{ version: 10, reason: 'mismatch' }],
    })
    expect(await kept()).toEqual([20, 15])
    const { load } = makeAggregates({ store, codec, snapshots })
    expect((await load(now)).state).toMatchObject({ price: { amount: 40 } })
  })

  it('of a former stateVersion are ignored at once, and go', async () => {
    const { store, snapshotter, ignored, kept } = rigOf(ones(10))
    await snapshotter.refresh(ref)
    store.write('p-1', ones(3))
    await snapshotter.refresh(ref)
    const now = refOf('p-1', changed(products.snapshots.stateVersion + 1))
    const taken = await snapshotter.refresh(now)
    expect(taken?.dropped.toSorted((a, b) => a.version - b.version)).toEqual([
      { version: 10, reason: 'state-version' },
      { version: 13, reason: 'state-version' },
    ])
    expect(taken?.snapshot).toMatchObject({ version: 13, state: { price: { amount: 26 } } })
    expect(ignored.map(({ version }) => version)).toEqual([13, 10])
    expect(await kept()).toEqual([13])
  })

  it('of a newer release are its own affair', async () => {
    const { store, snapshotter, kept } = rigOf(ones(10))
    const newer = refOf('p-1', changed(products.snapshots.stateVersion + 1))
    await snapshotter.refresh(newer)
    store.write('p-1', [1])
    expect(await snapshotter.refresh(ref)).toMatchObject({ dropped: [], snapshot: { state: stateAt(11) } })
    expect(await kept()).toEqual([11, 10])
    expect((await snapshotter.latest(newer))?.version).toBe(10)
  })

  it('of events that a restored backup does not have are dropped', async () => {
    const { store, snapshotter, kept } = rigOf(ones(8))
    await snapshotter.rebuild(ref)
    store.write('p-1', ones(8))
    await snapshotter.rebuild(ref)
    store.restore('p-1', 12)
    store.write('p-1', ones(8), 'other')
    const taken = await snapshotter.refresh(ref)
    expect(taken?.dropped).toEqual([{ version: 16, reason: 'other-history' }])
    expect(await kept()).toEqual([20, 8])
    store.restore('p-1', 0)
    expect(await snapshotter.refresh(ref)).toBeUndefined()
    expect(await kept()).toEqual([])
  })
})

describe('a process that dies while it takes a snapshot', () => {
  /** Works until its nth write; then nothing reaches the store any more. */
  const dyingAt = (nth: number, snapshots: SnapshotStore): SnapshotStore => {
    let writes = 0
    const unlessDead = async (work: () => Promise<void>): Promise<void> => {
      writes += 1
      if (writes >= nth) throw new Error('dead')
      await work()
    }
    return {
      ...snapshots,
      save: (snapshot) => unlessDead(() => snapshots.save(snapshot)),
      remove: (id, versions) => unlessDead(() => snapshots.remove(id, versions)),
    }
  }

  it('leaves nothing that makes a load or a past state wrong', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 }),
        async (nth, steps) => {
          const { store, snapshots, snapshotter } = rigOf([1])
          for (const [index, step] of steps.entries()) {
            store.write('p-1', ones(step))
            const dying = snapshotterOver(store, dyingAt(nth, snapshots)).snapshotter
            await (index % 2 ? dying : snapshotter).refresh(ref).catch(() => undefined)
          }
          const version = 1 + steps.reduce((sum, step) => sum + step, 0)
          const aggregates = makeAggregates({ store, codec, snapshots })
          expect(await aggregates.load(ref)).toMatchObject({ version, state: stateAt(version) })
          for (let past = 1; past <= version; past += 7)
            expect(await aggregates.loadPast(ref, { version: past })).toEqual({
              version: past,
              state: stateAt(past),
            })
        },
      ),
      { numRuns: 40 },
    )
  })

  it('with wrong ones in hand has removed them before it saves', async () => {
    const { store, snapshots, snapshotter, kept } = rigOf(ones(10))
    await snapshotter.refresh(ref)
    store.write('p-1', ones(10))
    const now = refOf('p-1', changed(products.snapshots.stateVersion))
    const dying = snapshotterOver(store, dyingAt(2, snapshots)).snapshotter
    await expect(dying.refresh(now)).rejects.toThrow('dead')
    expect(await kept()).toEqual([])
  })
})
