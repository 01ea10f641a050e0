import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { profiledDuring } from '../../../test/support/profiled-commands.ts'
import { collectionsOf, type Collections } from '../src/collections.ts'
import type { CommitDocument, SnapshotDocument } from '../src/documents.ts'
import { mongoEventStore, type NewCommit } from '../src/event-store.ts'
import { anyOf, eq, type Where } from '../src/filters.ts'
import { ensureReadModelIndexes } from '../src/indexes.ts'
import { mongoLogReader } from '../src/log-reader.ts'
import { mongoPositions } from '../src/positions.ts'
import { mongoProjectionStore } from '../src/projection-store.ts'
import { mongoReadModels, type Condition } from '../src/read-models.ts'
import { mongoSnapshotStore } from '../src/snapshots.ts'
import { mongoStreamReader } from '../src/stream-reader.ts'
import { mongoStreamStarts } from '../src/stream-starts.ts'
import { byTenantKey, ofTenant, ofTenants } from '../src/tenant-data.ts'
import {
  commitOf,
  openDatabase,
  publish,
  rejectionOf,
  scope,
  TOPIC,
  type TestDatabase,
} from './mongo-fixture.ts'

const STREAM = 'orders.order-o-1'
const MODEL = 'orders.v1'

let database: TestDatabase
let collections: Collections
beforeAll(async () => {
  database = await openDatabase('tenant-data')
  collections = collectionsOf(database.connection)
})
afterAll(() => database.drop())

/** As it comes past the types. */
const untyped = <T>(value: unknown): T => value as T

const noTenants = [undefined, null, '', { $gt: '' }, { $ne: null }, /.*/, ['acme'], 7]

describe('documents of tenants', () => {
  it('are found with their tenant only, whatever the conditions say', async () => {
    const { commits } = collections
    const of = (tenant: string) => ({
      ...commitOf(`s-${tenant}`, 1),
      tenant,
      last: 1,
      committedAt: new Date(),
    })
    const documents = ['a', 'b'].map((tenant) => untyped<CommitDocument>(of(tenant)))
    await ofTenants(commits).insertMany(documents, {})
    const everything: Where<CommitDocument> = anyOf({ first: eq(1) }, { first: eq(2) })
    const found = await ofTenant(commits, 'a').find(everything).toArray()
    expect(found.map(({ tenant }) => tenant)).toEqual(['a'])
    const both = [
      { tenant: 'a', where: { stream: eq('s-b') } },
      { tenant: 'b', where: { stream: eq('s-b') } },
    ]
    expect((await ofTenants(commits).find(both).toArray()).map(({ tenant }) => tenant)).toEqual(['b'])
    await ofTenant(commits, 'b').deleteMany({ stream: eq('s-a') })
    expect(await ofTenant(commits, 'a').findOne({ stream: eq('s-a') })).not.toBeNull()
  })

  it.each(noTenants.map((tenant) => [tenant]))('are not asked for without one: %p', async (value) => {
    const tenant = untyped<string>(value)
    const { commits, snapshots } = collections
    const asked = await profiledDuring(database.connection.db, async () => {
      expect(() => ofTenant(commits, tenant).find({})).toThrow(TypeError)
      expect(() => ofTenant(commits, tenant).aggregate({}, [])).toThrow(TypeError)
      expect(() =>
        ofTenants(commits).find([
          { tenant: 'a', where: {} },
          { tenant, where: {} },
        ]),
      ).toThrow(TypeError)
      expect(() => byTenantKey(snapshots).find([{ tenant, id: `${tenant}/a@1` }])).toThrow(TypeError)
      await expect(async () => ofTenant(commits, tenant).findOne({})).rejects.toThrow(TypeError)
      await expect(ofTenant(commits, tenant).deleteMany({})).rejects.toThrow(TypeError)
      const document = untyped<SnapshotDocument>({ _id: 'x', tenant })
      await expect(ofTenants(snapshots).insertMany([document], {})).rejects.toThrow(TypeError)
      await expect(ofTenants(snapshots).insertOne(document, {})).rejects.toThrow(TypeError)
    })
    expect(asked).toEqual([])
  })

  it('are not written under the key of another tenant', async () => {
    const documents = byTenantKey(collections.readModel(MODEL))
    for (const id of ['b/o-1', 'a', 'ab/o-1', 'o-1', '', untyped<string>({ $gt: '' })]) {
      await expect(documents.write([{ tenant: 'a', id, fields: {} }])).rejects.toThrow(TypeError)
      expect(() => documents.find([{ tenant: 'a', id }])).toThrow(TypeError)
    }
    await documents.write([{ tenant: 'a', id: 'a/o-1', fields: { _tenant: 'b', n: 1 } }])
    expect(await documents.find([{ tenant: 'a', id: 'a/o-1' }]).toArray()).toEqual([
      { _id: 'a/o-1', _tenant: 'a', n: 1 },
    ])
  })
})

describe('two tenants with the same ids', () => {
  const ofEach = (tenant: string): NewCommit =>
    commitOf(STREAM, 1, {
      ...{ tenant, idempotencyKey: 'key', bytes: Buffer.from(tenant) },
      order: tenant.length * 1_000,
    })
  const [mine, theirs] = [ofEach('acme'), ofEach('other')]

  beforeAll(async () => {
    const store = mongoEventStore(database.connection)
    expect(await Promise.all([store.append(mine), store.append(theirs)])).toEqual([
      { type: 'appended' },
      { type: 'appended' },
    ])
    await publish(database.connection, [mine, theirs], { n: 1, firstSequence: 1 })
  })

  it('load their own, in one query', async () => {
    const store = mongoEventStore(database.connection)
    const loaded = await Promise.all(
      ['acme', 'other', 'third'].map((tenant) => store.load({ tenant, stream: STREAM })),
    )
    const text = loaded.map(({ events }) => events.map(({ bytes }) => bytes.toString()))
    expect(text).toEqual([['acme'], ['other'], []])
  })

  it('have their own idempotency keys', async () => {
    const store = mongoEventStore(database.connection)
    const formers = await Promise.all(
      ['acme', 'other', 'third'].map((tenant) => store.findFormer({ ...scope('key'), tenant })),
    )
    expect(formers.map((former) => former?.type === 'commit' && former.commit._id)).toEqual([
      mine._id,
      theirs._id,
      false,
    ])
    const repeated = [mine, theirs].map((commit) => ({ ...commit, _id: randomUUID(), first: 2 }))
    const outcomes = await Promise.all(repeated.map((commit) => store.append(commit)))
    expect(outcomes).toMatchObject(
      [mine, theirs].map(({ _id }) => ({ type: 'key-used', former: { commit: { _id } } })),
    )
    const answer = { ...rejectionOf('key'), tenant: 'third' }
    const kept = await store.keepAnswer({ tenant: 'third', stream: STREAM }, () => Promise.resolve(answer))
    expect(kept).toMatchObject({ type: 'kept', answer: { tenant: 'third' } })
  })

  it('have streams that began each at its own time', async () => {
    const startsOf = mongoStreamStarts(database.connection)
    const streams = ['other', 'acme', 'third'].map((tenant) => ({ tenant, stream: STREAM }))
    expect(await startsOf(streams)).toEqual([5, 4, undefined])
  })

  it('read their own, and wait for their own commits only', async () => {
    const { connection } = database
    const reader = mongoStreamReader(connection)
    const limits = { events: 10, bytes: 1e6, lookedAt: 100 }
    for (const { tenant, _id } of [mine, theirs]) {
      const stranger = tenant === 'acme' ? 'other' : 'acme'
      const page = await reader.read({ tenant, stream: STREAM, direction: 'forward', limits })
      expect(page?.events.map(({ bytes }) => bytes.toString())).toEqual([tenant])
      expect((await reader.facts({ tenant, stream: STREAM }))?.lastCommitId).toBe(_id)
      const log = { partitions: [{ topic: TOPIC, partition: 0 }], after: {}, limits }
      const { events } = await mongoLogReader(connection).read({ ...log, tenant })
      expect(events.map(({ bytes }) => bytes.toString())).toEqual([tenant])
      const { locate } = mongoPositions(connection)
      expect(await locate({ tenant, commitId: _id })).toMatchObject({ type: 'published' })
      expect(await locate({ tenant: stranger, commitId: _id })).toEqual({ type: 'unknown' })
    }
  })

  it('see their own snapshots', async () => {
    const snapshots = mongoSnapshotStore(database.connection)
    const snapshotOf = (tenant: string) => ({
      ...{ tenant, stream: STREAM, version: 1, order: 1, lastCommitId: 'c', lastCommitFirst: 1 },
      ...{
        lastEventId: 'e',
        stateVersion: 1,
        state: { tenant },
        checksum: 'x',
        takenAt: 1,
        provenVersion: 1,
      },
    })
    await snapshots.save(snapshotOf('acme'))
    expect(await snapshots.closest({ tenant: 'other', stream: STREAM })).toBeUndefined()
    await snapshots.remove({ tenant: 'other', stream: STREAM }, [1])
    expect(await snapshots.list({ tenant: 'acme', stream: STREAM })).toHaveLength(1)
    const newest = await snapshots.newest(['other', 'acme'].map((tenant) => ({ tenant, stream: STREAM })))
    expect(newest.map((found) => found?.version)).toEqual([undefined, 1])
  })
})

describe('what comes with a request', () => {
  const bad = [{ $gt: '' }, { $ne: null }, { $where: 'sleep(5000)' }, { $regex: '.*' }, ['a'], undefined]

  it.each(bad.map((value) => [value]))('never becomes an operator: %p', async (value) => {
    const { connection } = database
    const text = untyped<string>(value)
    const stream = { tenant: 'acme', stream: text }
    const limits = { events: 10, bytes: 1e6 }
    const models = mongoReadModels(connection)
    const listed = { projection: MODEL, tenant: 'acme', conditions: [], sort: undefined, limit: 5 }
    const conditions = untyped<Condition[]>([{ field: 'status', is: value }])
    const asked = await profiledDuring(connection.db, async () => {
      const calls = [
        () => mongoEventStore(connection).load(stream),
        () => mongoEventStore(connection).isLastVersion(stream, 1),
        () => mongoEventStore(connection).findFormer({ ...scope('key'), key: text }),
        () => mongoEventStore(connection).findFormer({ ...scope('key'), tenant: text }),
        () => mongoStreamReader(connection).read({ ...stream, direction: 'backward', limits }),
        () => mongoStreamReader(connection).facts(stream),
        () => mongoSnapshotStore(connection).closest(stream),
        () => mongoSnapshotStore(connection).list(stream),
        () => mongoSnapshotStore(connection).newest([stream]),
        () => mongoSnapshotStore(connection).remove(stream, [1]),
        () => mongoPositions(connection).locate({ tenant: 'acme', commitId: text }),
        () => mongoPositions(connection).locate({ tenant: text, commitId: 'c' }),
        () => mongoProjectionStore(connection).find(MODEL, [{ tenant: 'acme', id: text }]),
        () => models.findOne(MODEL, { tenant: 'acme', id: text }),
        () => models.findOne(MODEL, { tenant: text, id: 'acme/o-1' }),
        () => models.list({ ...listed, tenant: text }),
        () => models.list({ ...listed, conditions }),
        () => models.list({ ...listed, after: { value: null, id: text } }),
        () => models.list({ ...listed, conditions: [{ field: '$where', is: 'true' }] }),
        () => models.list({ ...listed, conditions: [{ field: '_tenant', is: 'other' }] }),
      ]
      for (const call of calls) await expect(call()).rejects.toThrow(TypeError)
    })
    expect(asked).toEqual([])
  })
})

describe('an index', () => {
  it('begins with the tenant, but for those of the engine’s own work', async () => {
    const { connection } = database
    const indexes = [{ placedAt: -1 }, { status: 1, placedAt: 1 }] as const
    await ensureReadModelIndexes(connection, { projection: MODEL, indexes })
    const keysOf = async (name: string): Promise<string[]> =>
      (await connection.db.collection(name).indexes()).map(
        (index) => `${name}.${index.name} ${Object.keys(index.key as object)[0]}`,
      )
    const all = (await Promise.all(['commits', 'snapshots', `readModel.${MODEL}`].map(keysOf))).flat()
    expect(all.length).toBeGreaterThan(8)
    const others = all.filter((key) => !/ _?tenant$/.test(key))
    // An id of a commit is one of a kind; those of snapshots and read models begin with the tenant.
    expect(others).toEqual([
      'commits._id_ _id',
      'commits.pending topic',
      'commits.answerExpiry expiresAt',
      'snapshots._id_ _id',
      `readModel.${MODEL}._id_ _id`,
    ])
  })
})
