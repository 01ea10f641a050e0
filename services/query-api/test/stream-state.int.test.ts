import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { makeAggregates, makeSnapshotter, streamIdOf, type AggregateRef } from '@millrace/aggregates'
import { catalog } from '@millrace/domain'
import { connectCodec, type Codec, type DomainEvent } from '@millrace/events'
import { mongoEventStore, mongoSnapshotStore, type NewCommit } from '@millrace/mongo'
import { httpClient, type HttpAnswer, type HttpClient } from '../../../test/support/http-client.ts'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'

const ID = `p-${randomUUID()}`
const STREAM = `catalog.product-${ID}`
const BEGAN_MS = Date.UTC(2026, 0, 1)
/** Of two events each, an hour apart. */
const COMMITS = 60
const EVENTS = 2 * COMMITS
const HOUR_MS = 3_600_000

const ref: AggregateRef = { tenant: 'demo', context: catalog, id: ID }
const priceOf = (version: number) => ({ amount: version, currency: 'EUR' })
const bodyAt = (version: number) => ({
  stream: STREAM,
  version,
  state: { status: 'listed', price: priceOf(version) },
})

const eventAt = (version: number): DomainEvent =>
  version === 1
    ? { type: 'ProductAdded', data: { name: 'lamp', category: 'home', price: priceOf(1) } }
    : { type: 'ProductRepriced', data: { price: priceOf(version) } }

describe('the state of a stream', () => {
  let servers: TestServers
  let service: ServiceProcess
  let client: HttpClient
  let codec: Codec

  beforeAll(async () => {
    servers = await prepareServers({ name: 'stream-state' })
    codec = await connectCodec({ registryUrl: servers.registry })
    const store = mongoEventStore(servers.mongoConnection)
    for (let commit = 0; commit < COMMITS; commit++) await store.append(commitOf(commit))
    service = await startServiceProcess('query-api', servers)
    client = httpClient(service.url)
  })

  afterAll(async () => {
    await client.close()
    await service.stop()
    await servers.stop()
  })

  const commitOf = (number: number): NewCommit => {
    const first = 2 * number + 1
    const request = randomUUID()
    return {
      _id: randomUUID(),
      ...streamIdOf(ref),
      key: ID,
      first,
      topic: 'catalog.product.events',
      partition: 0,
      order: (BEGAN_MS + number * HOUR_MS) * 1_000 + 500,
      events: [first, first + 1].map((version) => {
        const event = eventAt(version)
        const bytes = codec.encode('catalog.product.events', event)
        return { id: randomUUID(), type: event.type, occurredAt: BEGAN_MS, bytes }
      }),
      correlationId: request,
      causationId: request,
      actor: 'dev',
      idempotency: { principal: 'dev', route: 'test', key: request, fingerprint: 'f' },
    }
  }

  const get = (query = '', headers: Record<string, string> = {}, stream = STREAM): Promise<HttpAnswer> =>
    client.send({ path: `/streams/${stream}/state${query}`, headers })

  const snapshots = () => mongoSnapshotStore(servers.mongoConnection)
  const ignored = async (): Promise<number> => {
    const text = await (await fetch(new URL('/metrics', service.admin))).text()
    const values = [...text.matchAll(/^millrace_snapshots_ignored_total\{.*\} (\d+)$/gm)]
    return values.reduce((sum, [, value]) => sum + Number(value), 0)
  }

  const expectRightAnswers = async (): Promise<void> => {
    expect((await get()).json()).toEqual(bodyAt(EVENTS))
    for (const version of [1, 2, 3, 50, 61, EVENTS])
      expect((await get(`?version=${version}`)).json()).toEqual(bodyAt(version))
    const hour = (hours: number): string => new Date(BEGAN_MS + hours * HOUR_MS).toISOString()
    expect((await get(`?at=${hour(0)}`)).json()).toEqual(bodyAt(2))
    expect((await get(`?at=${hour(29.999)}`)).json()).toEqual(bodyAt(60))
    expect((await get(`?at=${hour(30)}`)).json()).toEqual(bodyAt(62))
    expect((await get(`?at=${encodeURIComponent('2026-01-01T05:30:00+05:30')}`)).json()).toEqual(bodyAt(2))
    expect((await get('?at=9999-01-01T00:00:00Z')).json()).toEqual(bodyAt(EVENTS))
  }

  it('is folded for now, a past version or a past time', expectRightAnswers)

  it('is the same from snapshots', async () => {
    const store = mongoEventStore(servers.mongoConnection)
    const { loadPast } = makeAggregates({ store, codec })
    expect(await loadPast(ref, { version: 50 })).toMatchObject({ version: 50 })
    const { refresh } = makeSnapshotter({ store, codec, snapshots: snapshots(), now: Date.now })
    // As if the stream had ended there when the snapshot was taken.
    for (const version of [2, 50, EVENTS]) {
      const upTo = { version }
      const cut = { load: (tail: Parameters<typeof store.load>[0]) => store.load({ ...tail, upTo }) }
      const earlier = makeSnapshotter({ store: cut, codec, snapshots: snapshots(), now: Date.now })
      expect((await earlier.refresh(ref))?.snapshot.version).toBe(version)
    }
    expect((await refresh(ref))?.isNew).toBe(false)
    expect(await ignored()).toBe(0)
    await expectRightAnswers()
    expect(await ignored()).toBe(0)
  })

  it('is right beside snapshots that are wrong, and they are counted', async () => {
    await servers.mongoConnection.db
      .collection('snapshots')
      .updateMany({ stream: STREAM }, { $set: { state: { status: 'retired' } } })
    await expectRightAnswers()
    expect(await ignored()).toBeGreaterThan(0)
  })

  it('has an ETag, which a past version never changes', async () => {
    for (const query of ['', '?version=7', '?at=2026-01-02T00:00:00Z']) {
      const first = await get(query)
      const etag = String(first.headers['etag'])
      expect(etag).toMatch(/^"[\w-]+"$/)
      const again = await get(query, { 'if-none-match': etag })
      expect([again.status, again.text, again.headers['etag']]).toEqual([304, '', etag])
      expect((await get(query, { 'if-none-match': '"other"' })).status).toBe(200)
    }
  })

  it.each([
    ['catalog.product-none', ''],
    ['catalog.product-none', '?version=1'],
    ['catalog.product', ''],
    ['nothing.at-all', ''],
    ['__proto__', ''],
    [STREAM, '?at=2025-12-31T23:59:59.999Z'],
  ])('is not found: %s%s', async (stream, query) => {
    expect((await get(query, {}, stream)).status).toBe(404)
  })

  it.each(['catalog.product-a%2Fb', 'catalog.product-', 'a%00b', 'a'.repeat(10_000)])(
    'is not looked for where there can be no stream: %s',
    async (stream) => {
      expect((await get('', {}, stream)).status).toBe(400)
    },
  )

  it.each([
    '?version=0',
    '?version=-1',
    '?version=1.5',
    '?version=1e3',
    '?version=',
    '?version=one',
    `?version=${EVENTS + 1}`,
    '?version=999999999999999',
    '?version=1&version=2',
    '?version=1&at=2026-01-01T00:00:00Z',
    '?at=',
    '?at=yesterday',
    '?at=2026-01-01',
    '?at=2026-01-01T00:00:00',
    '?at=2026-13-01T00:00:00Z',
    '?at=1767225600000',
    '?limit=5',
  ])('is refused for %s', async (query) => {
    const answer = await get(query)
    expect([answer.status, answer.headers['content-type']]).toEqual([400, 'application/problem+json'])
    expect(answer.text).not.toMatch(/Mongo|node_modules/)
  })

  it('tells where the stream ends when more was asked for', async () => {
    expect((await get(`?version=${EVENTS + 1}`)).json()).toMatchObject({ currentVersion: EVENTS })
  })
})
