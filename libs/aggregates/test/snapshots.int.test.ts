import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import {
  connectMongo,
  ensureStoreIndexes,
  mongoEventStore,
  mongoSnapshotStore,
  type EventStore,
  type MongoConnection,
  type NewCommit,
  type Snapshot,
  type SnapshotStore,
} from '@millrace/mongo'
import { streamIdOf, type AggregateRef } from '../src/aggregate.ts'
import { makeAggregates, type Aggregates } from '../src/aggregates.ts'
import type { IgnoredReason } from '../src/snapshot.ts'
import { makeSnapshotter, type Snapshotter } from '../src/snapshotter.ts'
import { checksumOf } from '../src/state-checksum.ts'
import { codec, productEvent, refOf, stateAt } from './memory-streams.ts'

describe('snapshots beside the event store', () => {
  let connection: MongoConnection
  let store: EventStore
  let snapshots: SnapshotStore
  let aggregates: Aggregates
  let snapshotter: Snapshotter
  let ref: AggregateRef
  let taken: Snapshot | undefined
  const ignored: IgnoredReason[] = []

  beforeAll(async () => {
    const url = process.env['MONGO_URL'] ?? ''
    const database = `test-aggregates-${randomUUID().slice(0, 8)}`
    connection = await connectMongo({ url, database, clientName: 'aggregates-test' })
    await ensureStoreIndexes(connection)
    store = mongoEventStore(connection)
    snapshots = mongoSnapshotStore(connection)
    const onIgnored = ({ reason }: { reason: IgnoredReason }): void => void ignored.push(reason)
    aggregates = makeAggregates({ store, codec, snapshots, onIgnored })
    snapshotter = makeSnapshotter({ store, codec, snapshots, now: Date.now, onIgnored })
  })
  afterAll(async () => {
    await connection.db.dropDatabase()
    await connection.close()
  })
  beforeEach(() => {
    ref = refOf(`p-${randomUUID()}`)
    ignored.length = 0
  })

  const commitOf = (first: number, count: number): NewCommit => {
    const request = randomUUID()
    return {
      _id: randomUUID(),
      ...streamIdOf(ref),
      key: ref.id,
      first,
      topic: 'catalog.product.events',
      partition: 0,
      order: first * 1_000_000,
      events: Array.from({ length: count }, (_, index) => {
        const event = productEvent(first + index)
        const bytes = codec.encode('catalog.product.events', event)
        return { id: randomUUID(), type: event.type, occurredAt: first, bytes }
      }),
      correlationId: request,
      causationId: request,
      actor: 'dev',
      idempotency: { principal: 'dev', route: 'test', key: request, fingerprint: 'f' },
    }
  }

  /** Commits of three events each, from `first` to `last`. */
  const write = async (first: number, last: number): Promise<void> => {
    for (let version = first; version <= last; version += 3) {
      const count = Math.min(3, last - version + 1)
      expect((await store.append(commitOf(version, count))).type).toBe('appended')
    }
  }

  const stored = () => connection.db.collection('snapshots')
  const plant = (version: number, change: object): Promise<unknown> =>
    stored().updateOne({ ...streamIdOf(ref), version }, { $set: change })
  const kept = async (): Promise<number[]> =>
    (await snapshots.list(streamIdOf(ref))).map(({ version }) => version)

  it('are taken at the end of a commit, and found with what lies behind', async () => {
    await write(1, 30)
    const taken = await snapshotter.refresh(ref)
    expect(taken).toMatchObject({ isNew: true, from: 'first-event', dropped: [] })
    expect(await stored().findOne(streamIdOf(ref), { projection: { _id: 0 } })).toEqual(taken?.snapshot)
    await write(31, 41)
    expect(await aggregates.load(ref)).toMatchObject({ version: 41, order: 40_000_000, state: stateAt(41) })
    expect(await snapshotter.refresh(ref)).toMatchObject({ from: 'snapshot', snapshot: { version: 41 } })
    expect(await kept()).toEqual([41, 30])
    expect(ignored).toEqual([])
  })

  it.each<[IgnoredReason, () => Promise<unknown>]>([
    ['checksum', () => plant(30, { state: { status: 'retired' } })],
    ['checksum', () => plant(30, { 'state.price.amount': 31 })],
    ['checksum', () => plant(30, { checksum: checksumOf(stateAt(29)) })],
    ['state-version', () => plant(30, { stateVersion: 0 })],
    ['malformed', () => plant(30, { takenAt: 'yesterday' })],
    ['malformed', () => stored().updateOne({ ...streamIdOf(ref), version: 30 }, { $unset: { state: '' } })],
    ['other-history', () => plant(30, { lastEventId: randomUUID() })],
    // As if it were a later state: no event of that version is there.
    ['other-history', () => plant(30, { version: 99 })],
    // A later one that somebody made up, checksum and all.
    [
      'other-history',
      () =>
        snapshots.save({
          ...(taken as Snapshot),
          version: 500,
          state: stateAt(500),
          checksum: checksumOf(stateAt(500)),
        }),
    ],
  ])('that are wrong are ignored, counted and replaced: %s', async (reason, spoil) => {
    await write(1, 12)
    await snapshotter.refresh(ref)
    await write(13, 30)
    taken = (await snapshotter.refresh(ref))?.snapshot
    await spoil()
    await write(31, 33)
    expect(await aggregates.load(ref)).toMatchObject({ version: 33, state: stateAt(33) })
    expect(await aggregates.loadPast(ref, { version: 31 })).toEqual({ version: 31, state: stateAt(31) })
    expect(ignored[0]).toBe(reason)
    const repaired = await snapshotter.refresh(ref)
    expect(repaired?.dropped).toEqual([expect.objectContaining({ reason })])
    ignored.length = 0
    expect(await snapshotter.latest(ref)).toMatchObject({ version: 33, state: stateAt(33) })
    expect(await aggregates.load(ref)).toMatchObject({ version: 33, state: stateAt(33) })
    expect(ignored).toEqual([])
  })
  it('that were consistently forged are found by the next fold from the first event', async () => {
    await write(1, 12)
    await snapshotter.refresh(ref)
    await plant(12, { state: stateAt(7), checksum: checksumOf(stateAt(7)) })
    await write(13, 24)
    expect((await snapshotter.refresh(ref))?.dropped).toEqual([{ version: 12, reason: 'mismatch' }])
    expect(await kept()).toEqual([24])
  })

  it('serve for past versions and times too', async () => {
    for (let last = 30; last <= 300; last += 30) {
      await write(last - 29, last)
      await snapshotter.refresh(ref)
    }
    expect((await kept()).length).toBeLessThan(10)
    for (const version of [1, 29, 30, 31, 100, 150, 299, 300])
      expect(await aggregates.loadPast(ref, { version })).toEqual({ version, state: stateAt(version) })
    // Commits begin at versions 1, 4, 7 …, each as many seconds after 1970.
    expect(await aggregates.loadPast(ref, { at: 99_999 })).toEqual({ version: 99, state: stateAt(99) })
    expect(await aggregates.loadPast(ref, { at: 100_000 })).toEqual({ version: 102, state: stateAt(102) })
    expect(await aggregates.loadPast(ref, { at: 999 })).toEqual({ version: 0, state: stateAt(0) })
    expect(await aggregates.loadPast(ref, { at: Date.now() })).toMatchObject({ version: 300 })
  })

  it('are the same when two take them at the same time', async () => {
    await write(1, 30)
    const both = await Promise.all([1, 2, 3, 4].map(() => snapshotter.refresh(ref)))
    expect(new Set(both.map((one) => one?.snapshot.checksum)).size).toBe(1)
    expect(await kept()).toEqual([30])
    expect(await aggregates.load(ref)).toMatchObject({ version: 30, state: stateAt(30) })
  })

  it('too large for the store are not kept, and nothing is lost by it', async () => {
    await write(1, 3)
    const large = 'x'.repeat(17 * 1024 * 1024)
    const context = { ...ref.context, decider: { ...ref.context.decider, evolve: () => ({ large }) } }
    await expect(snapshotter.rebuild({ ...ref, context })).rejects.toMatchObject({
      code: 'MONGO_FAILED',
      retryable: false,
    })
    expect(await kept()).toEqual([])
    expect(await aggregates.load(ref)).toMatchObject({ version: 3, state: stateAt(3) })
  })
})
