import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { paymentStatuses, projections, type Document } from '@millrace/domain'
import { mongoEventStore, mongoPublications } from '@millrace/mongo'
import { createTokenSigner } from '@millrace/runtime'
import { httpClient, type HttpAnswer, type HttpClient } from '../../../test/support/http-client.ts'
import {
  startServiceProcess,
  TOKEN_SECRET,
  type ServiceProcess,
} from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { FIRST_DAY_MS, orderRows, rowsByModel, writeRows, type Row } from './read-model-fixture.ts'

const ORDERS = { projection: 'order-summary.v1', topic: 'orders.order.events', partition: 0 }
const PROCESSES = { projection: 'processes.v2', topic: 'process.state', partition: 0 }

type Page = { items: Document[]; next: string | null }

const valueAt = (document: Document, path: string): string | number =>
  path.split('.').reduce<unknown>((value, name) => (value as Document)[name], document) as string | number

const idOf = ({ orderId, key }: Document): string => (orderId ?? key) as string

const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0)

describe('query-api', () => {
  let servers: TestServers
  let service: ServiceProcess
  let client: HttpClient

  beforeAll(async () => {
    servers = await prepareServers({ name: 'query-api' })
    const [orders, processes] = rowsByModel
    await writeRows(servers.mongoConnection, ORDERS, { rows: orders.rows })
    await writeRows(servers.mongoConnection, PROCESSES, { rows: processes.rows })
    const stranger: Row = { id: 'other/o-999', fields: { ...orderRows[0]?.fields, orderId: 'o-999' } }
    await writeRows(servers.mongoConnection, ORDERS, { rows: [stranger], tenant: 'other' })
    service = await startServiceProcess('query-api', servers)
    client = httpClient(service.url)
  })

  afterAll(async () => {
    await client.close()
    await service.stop()
    await servers.stop()
  })

  const get = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> =>
    client.send({ path, headers })

  const page = async (path: string): Promise<Page> => {
    const answer = await get(path)
    expect([answer.status, answer.text]).toEqual([200, answer.text])
    return answer.json() as Page
  }

  const walk = async (path: string, betweenPages?: () => Promise<void>): Promise<Document[]> => {
    const items: Document[] = []
    let cursor = ''
    do {
      const { items: some, next } = await page(`${path}${cursor}`)
      items.push(...some)
      cursor = next === null ? '' : `&cursor=${next}`
      await betweenPages?.()
    } while (cursor !== '')
    return items
  }

  const expectProblem = async (path: string, status: number): Promise<Record<string, unknown>> => {
    const answer = await get(path)
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/problem+json'])
    expect(answer.text).not.toMatch(/Mongo|node_modules/)
    expect(service.isAlive()).toBe(true)
    return answer.json()
  }

  it('lists the read models with what may be asked of them', async () => {
    const { items } = (await get('/read-models')).json() as { items: Document[] }
    expect(items.map(({ name }) => name)).toEqual(projections.map(({ name }) => name))
    const described = (wanted: string) => items.find(({ name }) => name === wanted)
    expect(described('revenue-by-day')).toMatchObject({ kind: 'grouped', why: 'scan', filters: {} })
    expect(described('open-orders')).toMatchObject({ kind: 'inline', why: 'scan' })
    expect(described('processes')).toMatchObject({ kind: 'per-aggregate', why: null })
    expect(described('payment-watch')).toMatchObject({
      filters: { status: { operator: 'view', type: 'enum', values: [...paymentStatuses] } },
    })
    expect(described('order-summary')).toMatchObject({
      ...{ version: 'v1', kind: 'per-aggregate', why: 'exact' },
      href: '/read-models/order-summary',
      sorts: ['placedAt', 'total'],
      filters: { placedAtTo: { field: 'placedAt', operator: 'lt', type: 'time' } },
    })
  })

  describe('one document', () => {
    it('is what the projection made, and nothing of the engine', async () => {
      const answer = await get('/read-models/order-summary/o-007')
      expect([answer.status, answer.json()]).toEqual([200, orderRows[7]?.fields])
    })

    it.each([
      ['/read-models/order-summary/o-none', 404],
      ['/read-models/order-summary/o-999', 404],
    ])('%s is answered with %d', (path, status) => expectProblem(path, status))

    it('has an ETag that changes when the document does', async () => {
      const path = '/read-models/processes/m-0:p-0:0'
      const first = await get(path)
      const etag = String(first.headers['etag'])
      expect(etag).toMatch(/^"[\w-]+"$/)
      for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const unchanged = await get(path, { 'if-none-match': tag })
        expect([unchanged.status, unchanged.text, unchanged.headers['etag']]).toEqual([304, '', etag])
        expect(unchanged.headers['cache-control']).toBe('private, no-cache')
      }
      const row = { id: 'demo/m-0:p-0:0', fields: { ...(first.json() as Document), beat: 2 } }
      await writeRows(servers.mongoConnection, PROCESSES, { rows: [row] })
      const changed = await get(path, { 'if-none-match': etag })
      expect([changed.status, changed.json()['beat']]).toEqual([200, 2])
      expect(changed.headers['etag']).not.toBe(etag)
      expect(changed.headers['cache-control']).toBe('private, no-cache')
    })
  })

  describe('a list', () => {
    const days = (count: number): number => FIRST_DAY_MS + count * 86_400_000
    const iso = (ms: number): string => encodeURIComponent(new Date(ms).toISOString())

    it('has every document of the tenant, and of no other', async () => {
      const items = await walk('/read-models/order-summary?limit=9')
      expect(items).toEqual(orderRows.map(({ fields }) => fields))
    })

    it.each([
      ['status=paid', ({ status }: Document) => status === 'paid'],
      ['status=returned', () => false],
      ['customerId=c-3', ({ customerId }: Document) => customerId === 'c-3'],
      ['customerId=', () => false],
      [`placedAtFrom=${iso(days(4))}`, ({ placedAt }: Document) => Number(placedAt) >= days(4)],
      [`placedAtTo=${days(4)}`, ({ placedAt }: Document) => Number(placedAt) < days(4)],
      ['placedAtFrom=1997-01-05', ({ placedAt }: Document) => Number(placedAt) >= days(4)],
      [
        `placedAtFrom=${days(2)}&placedAtTo=${iso(days(3))}&status=placed`,
        ({ placedAt, status }: Document) => Number(placedAt) === days(2) && status === 'placed',
      ],
    ] as const)('of orders is narrowed by %s', async (filter, holds) => {
      const items = await walk(`/read-models/order-summary?limit=7&${filter}`)
      expect(items).toEqual(orderRows.map(({ fields }) => fields).filter(holds))
    })

    it.each([
      ['host=m-1', ({ host }: Document) => host === 'm-1'],
      ['name=p-2', ({ name }: Document) => name === 'p-2'],
      ['status=stale', ({ status }: Document) => status === 'stale'],
      [`lastSeenAtFrom=${days(3)}`, ({ lastSeenAt }: Document) => Number(lastSeenAt) >= days(3)],
      [`lastSeenAtTo=${days(3)}`, ({ lastSeenAt }: Document) => Number(lastSeenAt) < days(3)],
    ] as const)('of processes is narrowed by %s', async (filter, holds) => {
      const ids = (await walk(`/read-models/processes?limit=7&${filter}`)).map(idOf)
      const expected = rowsByModel[1].rows.map(({ fields }) => fields).filter(holds)
      expect(ids).toEqual(expected.map(idOf).toSorted())
    })

    it.each(
      rowsByModel.flatMap(({ projection, rows }) =>
        Object.entries(projection.sorts).flatMap(([name, { field }]) =>
          (['', '-'] as const).map((sign) => ({
            model: projection.name,
            sort: `${sign}${name}`,
            field,
            rows,
          })),
        ),
      ),
    )('of $model, by $sort, goes through all ties once', async ({ model, sort, field, rows }) => {
      const direction = sort.startsWith('-') ? -1 : 1
      const expected = rows
        .map(({ id, fields }) => ({ id, value: valueAt(fields, field) }))
        .toSorted((a, b) => direction * (compare(a.value, b.value) || compare(a.id, b.id)))
      const items = await walk(`/read-models/${model}?limit=7&sort=${sort}`)
      expect(items.map((item) => `demo/${idOf(item)}`)).toEqual(expected.map(({ id }) => id))
    })

    it('neither skips nor repeats what was there, whatever comes or changes while somebody pages', async () => {
      let inserted = 0
      const insert = async (): Promise<void> => {
        inserted += 1
        const at = FIRST_DAY_MS + (inserted % 11) * 86_400_000
        const orderId = `o-0${inserted}-late`
        const fields = { ...orderRows[0]?.fields, orderId, status: 'delivered', placedAt: at }
        const changed = orderRows.map((row) => ({ ...row, fields: { ...row.fields, version: inserted } }))
        await writeRows(servers.mongoConnection, ORDERS, {
          rows: [{ id: `demo/${orderId}`, fields }, ...changed],
        })
      }
      const ids = (await walk('/read-models/order-summary?limit=7&sort=-placedAt', insert)).map(idOf)
      expect(new Set(ids).size).toBe(ids.length)
      expect(ids.filter((id) => !id.endsWith('-late')).toSorted()).toEqual(
        orderRows.map(({ fields }) => idOf(fields)),
      )
      expect(inserted).toBeGreaterThan(5)
    })

    it('takes an operator in a value for the text it is', async () => {
      expect((await page('/read-models/order-summary?customerId={"$ne":null}')).items).toEqual([])
    })

    it('accepts a cursor of its own only', async () => {
      const list = '/read-models/order-summary?limit=5&sort=total&status=paid'
      const cursor = String((await page(list)).next)
      expect((await page(`${list}&cursor=${cursor}`)).items).toHaveLength(5)
      expect((await page(`${list.replace('limit=5', 'limit=3')}&cursor=${cursor}`)).items).toHaveLength(3)

      const flipped = `${cursor.startsWith('A') ? 'B' : 'A'}${cursor.slice(1)}`
      const foreign = createTokenSigner('f'.repeat(32)).sign(
        { purpose: 'cursor', tenant: 'demo' },
        { value: null, id: 'demo/o-001' },
      )
      for (const bad of [flipped, cursor.slice(0, -2), `${cursor}A`, cursor.toLowerCase(), foreign])
        await expectProblem(`${list}&cursor=${bad}`, 400)
      for (const other of [
        '/read-models/order-summary?limit=5&sort=-total&status=paid',
        '/read-models/order-summary?limit=5&sort=total&status=placed',
        '/read-models/order-summary?limit=5&sort=total',
        '/read-models/processes?limit=5',
      ])
        await expectProblem(`${other}&cursor=${cursor}`, 400)
    })

    it('has an ETag', async () => {
      const first = await get('/read-models/processes?limit=3')
      const again = await get('/read-models/processes?limit=3', {
        'if-none-match': String(first.headers['etag']),
      })
      expect([again.status, again.text]).toEqual([304, ''])
    })
  })

  describe('waiting for a position', () => {
    const signer = createTokenSigner(TOKEN_SECRET)
    const partition = 5
    const tokenOf = (commit: string, tenant = 'demo'): string =>
      signer.sign({ purpose: 'position', tenant }, { commit })

    const commitOne = async (): Promise<string> => {
      const _id = randomUUID()
      await mongoEventStore(servers.mongoConnection).append({
        _id,
        tenant: 'demo',
        stream: `orders.order-${_id}`,
        key: _id,
        first: 1,
        topic: ORDERS.topic,
        partition,
        order: Date.now() * 1000,
        events: [{ id: randomUUID(), type: 'OrderPlaced', occurredAt: 0, bytes: Buffer.from('x') }],
        correlationId: 'c',
        causationId: 'c',
        actor: 'dev',
        idempotency: { principal: 'dev', route: 'test', key: _id, fingerprint: 'f' },
      })
      return _id
    }

    const publish = async (commitId: string, n: number, firstSequence: number): Promise<void> => {
      const publications = mongoPublications(servers.mongoConnection)
      const record = {
        _id: { topic: ORDERS.topic, partition, n },
        firstSequence,
        commitIds: [commitId],
        eventCounts: [1],
        state: 'open' as const,
        incarnation: 1,
      }
      await publications.open(record)
      await publications.finish(record, { baseOffset: BigInt(firstSequence), incarnation: 1 })
    }

    const apply = (lastSequence: number): Promise<void> =>
      writeRows(servers.mongoConnection, { ...ORDERS, partition }, { rows: [], lastSequence })

    const path = (token: string, timeout: number): string =>
      `/read-models/order-summary/o-001?after=${token}&timeout=${timeout}`

    it('gives up in time, and says where the read model stands', async () => {
      const commit = await commitOne()
      const startedAt = performance.now()
      expect(await expectProblem(path(tokenOf(commit), 100), 504)).toMatchObject({
        ...{ projection: 'order-summary', state: 'pending', published: false },
      })
      const took = performance.now() - startedAt
      expect(took).toBeGreaterThanOrEqual(100)
      expect(took).toBeLessThan(3_000)
      await publish(commit, 1, 1)
      expect(await expectProblem(path(tokenOf(commit), 0), 504)).toMatchObject({
        ...{ state: 'pending', published: true, reachedSequence: 0, wantedSequence: 1 },
      })
      await apply(1)
      const fresh = await get(path(tokenOf(commit), 0))
      expect([fresh.status, fresh.headers['millrace-state']]).toEqual([200, 'fresh'])
      const again = await get(path(tokenOf(commit), 0), { 'if-none-match': String(fresh.headers['etag']) })
      expect([again.status, again.headers['millrace-state']]).toEqual([304, 'fresh'])
      const unasked = await get('/read-models/order-summary/o-001')
      expect([unasked.status, unasked.headers['millrace-state']]).toEqual([200, undefined])
    })

    it('answers as soon as the read model is there, one and list', async () => {
      const commit = await commitOne()
      const token = tokenOf(commit)
      const waiting = [
        get(path(token, 20_000)),
        get(`/read-models/order-summary?after=${token}&timeout=20000`),
      ]
      await publish(commit, 2, 2)
      await apply(2)
      expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200])
    })

    it('refuses what is no position of this tenant and read model', async () => {
      const token = tokenOf(await commitOne())
      for (const after of ['', 'garbage', `${token}A`, token.slice(2), tokenOf('c-1', 'other')])
        await expectProblem(path(after, 0), 400)
      await expectProblem(`/read-models/processes?after=${token}`, 400)
      for (const timeout of ['-1', '1.5', 'abc', '30001', ''])
        await expectProblem(`/read-models/order-summary/o-001?after=${token}&timeout=${timeout}`, 400)
    })

    it('refuses two positions and two timeouts', async () => {
      const token = tokenOf(await commitOne())
      await expectProblem(`/read-models/order-summary?after=${token}&after=${token}&timeout=0`, 400)
      await expectProblem(`/read-models/order-summary/o-001?after=${token}&timeout=0&timeout=1`, 400)
    })
  })

  it('answers HEAD as GET, without the body', async () => {
    const answer = await client.send({ method: 'HEAD', path: '/read-models/order-summary/o-001' })
    expect([answer.status, answer.text]).toEqual([200, ''])
    expect(answer.headers['etag']).toBeDefined()
  })
})
