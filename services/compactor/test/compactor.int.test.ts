import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { checksumOf, fileSnapshotStore, makeAggregates, streamIdOf } from '@millrace/aggregates'
import { connectCodec, type Codec } from '@millrace/events'
import { mongoSnapshotStore, type Snapshot, type SnapshotStore } from '@millrace/mongo'
import { eventually } from '@millrace/testkit'
import { startOwnServer, type OwnServer } from '../../../test/support/own-server.ts'
import { putOutOfGroup } from '../../../test/support/put-out-of-group.ts'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { COMPACTOR_GROUP } from '../src/compactor-lane.ts'
import { productStreams, refOf, stateAt, type ProductStreams, type Written } from './product-streams.ts'

const PATIENT = { timeoutMs: 60_000 }
const DAY_MS = 86_400_000

// One story told in order, on servers of its own.
describe('the compactor', () => {
  let kafka: OwnServer
  let mongo: OwnServer
  let servers: TestServers
  let codec: Codec
  let commandApi: ServiceProcess
  let compactor: ServiceProcess
  let products: ProductStreams
  let snapshots: SnapshotStore
  let long: Written[]

  beforeAll(async () => {
    ;[kafka, mongo] = await Promise.all([startOwnServer('kafka'), startOwnServer('mongo')])
    servers = await prepareServers({ name: 'compactor', kafka: kafka.url, mongo: mongo.url })
    codec = await connectCodec({ registryUrl: servers.registry })
    products = productStreams(servers.mongoConnection, codec)
    snapshots = mongoSnapshotStore(servers.mongoConnection)
    // Its relay publishes what is written here.
    commandApi = await startServiceProcess('command-api', servers, { RELAY_POLL_MS: '20' })
    compactor = await startServiceProcess('compactor', servers)
  })

  afterAll(async () => {
    await Promise.all([commandApi.stop(), compactor.stop()])
    await servers.stop()
    await Promise.all([kafka.stop(), mongo.stop()])
  })

  const headersOf = async (id: string): Promise<Snapshot[]> =>
    (await snapshots.list(streamIdOf(refOf(id)))).map(({ content }) => content as Snapshot)

  const newestOf = async (id: string): Promise<number | undefined> => (await headersOf(id))[0]?.version

  const untilSnapshotAt = (some: readonly Written[]): Promise<unknown> =>
    eventually(
      async () => Promise.all(some.map(async ({ id, version }) => (await newestOf(id)) === version)),
      (all) => all.every(Boolean),
      PATIENT,
    )

  const caughtUp = (): Promise<unknown> =>
    eventually(
      async () => {
        const { db } = servers.mongoConnection
        const [{ events = 0 } = {}] = await db
          .collection('commits')
          .aggregate<{ events: number }>([
            { $match: { first: { $gt: 0 } } },
            { $group: { _id: null, events: { $sum: { $size: '$events' } } } },
          ])
          .toArray()
        const places = await db
          .collection('checkpoints')
          .find({ '_id.projection': 'compactor.snapshots' })
          .toArray()
        return events - places.reduce((sum, { lastSequence }) => sum + Number(lastSequence), 0)
      },
      (left) => left === 0,
      PATIENT,
    )

  const metric = async (name: string, labels = ''): Promise<number> => {
    const text = await (await fetch(new URL('/metrics', compactor.admin))).text()
    const lines = [...text.matchAll(new RegExp(`^${name}\\{([^}]*)\\} (\\d+)$`, 'gm'))]
    return lines
      .filter(([, found = '']) => found.includes(labels))
      .reduce((sum, [, , value]) => sum + Number(value), 0)
  }

  /** Every snapshot there is equals a fold of the events up to its version. */
  const expectAllRight = async (some: readonly Written[]): Promise<void> => {
    for (const { id, version } of some) {
      const { load } = makeAggregates({ store: products.store, codec, snapshots })
      expect(await load(refOf(id))).toMatchObject({ version, state: stateAt(version) })
      for (const header of await headersOf(id))
        expect(header.checksum).toBe(checksumOf(stateAt(header.version)))
    }
  }

  it('takes a snapshot of each stream that has a hundred events, and of no other', async () => {
    const [longer, shorter] = await Promise.all([products.writeMany(8, 250), products.writeMany(8, 40)])
    long = longer
    await caughtUp()
    await expectAllRight([...long, ...shorter])
    // Taken while the events were still being written, or after: but never more than a hundred behind.
    for (const { id } of long) expect(250 - ((await newestOf(id)) ?? 0)).toBeLessThan(100)
    expect(await Promise.all(shorter.map(({ id }) => newestOf(id)))).toEqual(shorter.map(() => undefined))
  })

  it('takes the next one a hundred events later', async () => {
    long = await Promise.all(long.map(({ id }) => products.write(id, { from: 250, to: 500 })))
    await caughtUp()
    await expectAllRight(long)
    for (const { id } of long) {
      expect(500 - ((await newestOf(id)) ?? 0)).toBeLessThan(100)
      expect((await headersOf(id)).length).toBeGreaterThan(1)
    }
  })

  it('takes one of a stream that is in use once a day, however few its events', async () => {
    const id = `p-${randomUUID()}`
    await products.write(id, { from: 0, to: 2, ms: Date.now() - DAY_MS })
    await caughtUp()
    expect(await newestOf(id)).toBeUndefined()
    const daily = await products.write(id, { from: 2, to: 4 })
    await untilSnapshotAt([daily])
    await products.write(daily.id, { from: 4, to: 6 })
    await caughtUp()
    expect(await newestOf(daily.id)).toBe(4)
    const snapshot = { tenant: 'demo', stream: `catalog.product-${daily.id}`, version: 4 }
    await servers.mongoConnection.db
      .collection('snapshots')
      .updateOne(snapshot, { $set: { takenAt: Date.now() - DAY_MS } })
    await untilSnapshotAt([await products.write(daily.id, { from: 6, to: 8 })])
  })

  it('ignores, counts and replaces what is wrong', async () => {
    const changes = [
      { state: { status: 'retired' } },
      { checksum: 'f'.repeat(64) },
      { lastEventId: randomUUID() },
      { stateVersion: 0 },
      { takenAt: 'yesterday' },
    ]
    const spoilt = long.slice(0, changes.length)
    const versions = await Promise.all(spoilt.map(({ id }) => newestOf(id)))
    for (const [index, { id }] of spoilt.entries()) {
      const filter = { stream: `catalog.product-${id}`, version: versions[index] ?? 0 }
      await servers.mongoConnection.db
        .collection('snapshots')
        .updateOne(filter, { $set: changes[index] ?? {} })
    }
    const before = await metric('millrace_snapshots_ignored_total')
    long = await Promise.all(long.map(({ id }) => products.write(id, { from: 500, to: 620 })))
    await caughtUp()
    await expectAllRight(long)
    expect((await metric('millrace_snapshots_ignored_total')) - before).toBe(changes.length)
    for (const reason of ['checksum', 'other-history', 'state-version', 'malformed'])
      expect(await metric('millrace_snapshots_dropped_total', `reason="${reason}"`)).toBeGreaterThan(0)
    const lines = compactor.log().filter(({ msg }) => msg === 'wrong snapshot was dropped')
    expect(lines.map(({ level }) => level)).toEqual(changes.map(() => 'warn'))
  })

  it('finds snapshots that no fold of the events gives when the stream has doubled', async () => {
    const [forged] = await products.writeMany(1, 150)
    const { id } = forged as Written
    await caughtUp()
    const version = (await newestOf(id)) ?? 0
    const state = stateAt(7)
    const filter = { stream: `catalog.product-${id}`, version }
    const change = { $set: { state, checksum: checksumOf(state) } }
    await servers.mongoConnection.db.collection('snapshots').updateOne(filter, change)
    const grown = await products.write(id, { from: 150, to: 2 * version + 100 })
    await caughtUp()
    await expectAllRight([grown])
    expect(await metric('millrace_snapshots_dropped_total', 'reason="mismatch"')).toBe(1)
  })

  it('passes over a stream that cannot be, says so once, and goes on with the others', async () => {
    const bad = `p-${randomUUID()}`
    await products.writeImpossible(bad, 130)
    const others = await products.writeMany(6, 120)
    await caughtUp()
    await expectAllRight(others)
    for (const { id } of others) expect(await newestOf(id)).toBeGreaterThan(20)
    expect(await newestOf(bad)).toBeUndefined()
    const lines = compactor.log().filter(({ msg }) => msg === 'stream was passed over')
    expect(lines).toMatchObject([{ level: 'error', stream: `catalog.product-${bad}` }])
    expect(await metric('millrace_snapshots_failed_total')).toBe(1)
  })

  it('waits while MongoDB is down, and goes on where it was', async () => {
    const probe = async (path: string): Promise<number> =>
      (await fetch(new URL(path, compactor.admin))).status
    await mongo.goDown()
    await eventually(
      () => probe('/readyz'),
      (status) => status === 503,
      PATIENT,
    )
    expect(await probe('/livez')).toBe(200)
    await mongo.comeBack()
    await eventually(
      () => probe('/readyz'),
      (status) => status === 200,
      PATIENT,
    )
    const written = await products.writeMany(3, 120)
    await caughtUp()
    await expectAllRight(written)
    for (const { id } of written) expect(await newestOf(id)).toBeGreaterThan(20)
    expect(await metric('millrace_snapshots_failed_total')).toBe(1)
  })

  it('killed in the middle of a pass leaves nothing wrong, and the next one takes the rest', async () => {
    await compactor.stop()
    const many = await products.writeMany(60, 230)
    const streams = many.map(({ id }) => streamIdOf(refOf(id)).stream)
    const taken = async (): Promise<number> =>
      (
        await servers.mongoConnection.db
          .collection('snapshots')
          .distinct('stream', { stream: { $in: streams } })
      ).length
    for (const enough of [3, 20]) {
      compactor = await startServiceProcess('compactor', servers, { SNAPSHOT_CONCURRENCY: '2' })
      await eventually(taken, (count) => count >= enough, { ...PATIENT, everyMs: 1 })
      await compactor.kill()
      await putOutOfGroup(kafka.url, COMPACTOR_GROUP)
      await expectAllRight(many)
    }
    const atKill = await taken()
    compactor = await startServiceProcess('compactor', servers)
    await caughtUp()
    await untilSnapshotAt(many)
    await expectAllRight(many)
    expect(atKill).toBeLessThan(many.length)
  })

  it('keeps them in files where it is told to', async () => {
    await compactor.stop()
    const directory = await mkdtemp(join(tmpdir(), 'millrace-compactor-'))
    try {
      compactor = await startServiceProcess('compactor', servers, {
        SNAPSHOT_STORE: pathToFileURL(directory).href,
      })
      const written = await products.writeMany(2, 110)
      await caughtUp()
      const files = fileSnapshotStore(directory)
      const { load } = makeAggregates({ store: products.store, codec, snapshots: files })
      for (const { id, version } of written) {
        expect((await files.closest(streamIdOf(refOf(id))))?.version).toBeGreaterThan(10)
        expect(await load(refOf(id))).toMatchObject({ version, state: stateAt(version) })
        expect(await newestOf(id)).toBeUndefined()
      }
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })

  it('ends with 78 for a store that it does not know', async () => {
    await expect(
      startServiceProcess('compactor', servers, { SNAPSHOT_STORE: 's3://bucket' }),
    ).rejects.toThrow(/code 78/)
  })
})
