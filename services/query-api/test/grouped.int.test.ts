import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  customerDashboard,
  orderSummary,
  PAYMENT_DUE_MS,
  paymentWatch,
  productMetrics,
  revenueByDay,
  type Document,
} from '@millrace/domain'
import { connectCodec } from '@millrace/events'
import { partialId } from '@millrace/mongo'
import { createTokenSigner } from '@millrace/runtime'
import { orderPaid, orderPlaced } from '@millrace/testkit'
import { httpClient, type HttpAnswer, type HttpClient } from '../../../test/support/http-client.ts'
import { profiledDuring } from '../../../test/support/profiled-commands.ts'
import {
  startServiceProcess,
  TOKEN_SECRET,
  type ServiceProcess,
} from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { openOrderStore } from './order-store.ts'
import { writeRows, type Row } from './read-model-fixture.ts'

const DAY_MS = 86_400_000
const AT = Date.UTC(1997, 0, 31)
const ORDERS = 90
const PARTITIONS = 3
const TOPIC = 'orders.order.events'

type Page = { readonly items: Document[]; readonly next: string | null }

describe('what is put together for whoever reads', () => {
  let servers: TestServers
  let service: ServiceProcess
  let client: HttpClient
  let now: number

  // Each customer has orders in all partitions, on all days.
  beforeAll(async () => {
    servers = await prepareServers({ name: 'query-api-grouped' })
    const store = openOrderStore(
      servers.mongoConnection,
      await connectCodec({ registryUrl: servers.registry }),
    )
    for (let index = 0; index < ORDERS; index += 1)
      await store.append({
        ...{ order: `o-${index}`, partition: index % PARTITIONS },
        at: AT + (index % 5) * DAY_MS,
        events: [
          orderPlaced({ customerId: `c-${index % 30}` }),
          orderPaid({ customerId: `c-${index % 30}` }),
        ],
      })
    now = Date.now()
    const unpaid = { order: 'o-unpaid', partition: 0, events: [orderPlaced({ customerId: 'c-30' })] }
    await store.append({ ...unpaid, at: now })
    await store.append({ ...unpaid, order: 'o-overdue', at: now - PAYMENT_DUE_MS - 60_000 })
    await store.publish()
    for (const projection of [customerDashboard, revenueByDay, productMetrics, paymentWatch, orderSummary])
      await store.feed(projection)
    service = await startServiceProcess('query-api', servers)
    client = httpClient(service.url)
  })

  afterAll(async () => {
    await client.close()
    await service.stop()
    await servers.stop()
  })

  const get = (path: string): Promise<HttpAnswer> => client.send({ path })
  const read = async (path: string): Promise<Document> => {
    const answer = await get(path)
    expect([answer.status, answer.text]).toEqual([200, answer.text])
    return answer.json() as Document
  }
  const walk = async (path: string, betweenPages?: (page: number) => Promise<void>): Promise<Document[]> => {
    const items: Document[] = []
    let cursor: string | null = ''
    for (let page = 1; cursor !== null; page += 1) {
      const { items: some, next } = (await read(
        cursor === '' ? path : `${path}&cursor=${cursor}`,
      )) as unknown as Page
      items.push(...some)
      cursor = next
      await betweenPages?.(page)
    }
    return items
  }

  it('is a grouped document over all its partials', async () => {
    expect(await read('/read-models/customer-dashboard/c-7')).toMatchObject({
      ...{ customerId: 'c-7', placed: 3, paid: 3, spent: { EUR: 3 * 2498 } },
    })
    expect(await read('/read-models/revenue-by-day/1997-01-31')).toMatchObject({
      ...{ day: '1997-01-31', payments: ORDERS / 5, revenue: { EUR: (ORDERS / 5) * 2498 } },
    })
    // Of several days in several parts, and shown otherwise than it is stored.
    const metrics = await read('/read-models/product-metrics/p-1')
    expect(metrics).toMatchObject({ productId: 'p-1', totals: { orders: ORDERS + 2 } })
    expect(metrics).not.toHaveProperty('sales')
    expect((await get('/read-models/customer-dashboard/c')).status).toBe(404)
    expect((await get('/read-models/customer-dashboard/c-')).status).toBe(404)
  })

  it('is read by one query, as any other document', async () => {
    for (const path of [
      'customer-dashboard/c-7',
      'order-summary/o-7',
      'payment-watch/o-7',
      'open-orders/c-30',
    ]) {
      const asked = await profiledDuring(servers.mongoConnection.db, () => get(`/read-models/${path}`))
      expect([path, asked.length]).toEqual([path, 1])
    }
  })

  it('is a grouped list by key, in pages of any size', async () => {
    const keys = Array.from({ length: 31 }, (_, index) => `c-${index}`).toSorted((a, b) =>
      `${a}/` < `${b}/` ? -1 : 1,
    )
    for (const limit of [1, 4, 30, 31, 200]) {
      const items = await walk(`/read-models/customer-dashboard?limit=${limit}`)
      expect(items.map(({ customerId }) => customerId)).toEqual(keys)
      expect(items[2]).toEqual(await read(`/read-models/customer-dashboard/${String(keys[2])}`))
    }
  })

  it('has no gap, no repeat and no document cut in two, whatever is written while somebody pages', async () => {
    const partialsOf = (customerId: string, partition: number): Row => ({
      id: partialId({ tenant: 'demo', key: customerId, part: '', topic: TOPIC, partition }),
      fields: { customerId, placed: 1, paid: 0, shipped: 0, delivered: 0, cancelled: 0, returned: 0 },
    })
    const complete = { ordered: {}, spent: {}, firstEventAt: AT, lastEventAt: AT }
    const busy = async (page: number): Promise<void> => {
      const customers = [`c-${(page * 7) % 30}`, `c-${page}-new`, `b-${page}`, `d-${page}`]
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const rows = customers.map((one) => {
          const { id, fields } = partialsOf(one, partition)
          return { id, fields: { ...fields, ...complete } }
        })
        const lane = { projection: 'customer-dashboard.v1', topic: TOPIC, partition }
        await writeRows(servers.mongoConnection, lane, { rows })
      }
    }
    const items = await walk('/read-models/customer-dashboard?limit=3', busy)
    const keys = items.map(({ customerId }) => customerId as string)
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys.filter((key) => /^c-\d+$/.test(key))).toHaveLength(31)
    expect(keys.filter((key) => key.endsWith('-new')).length).toBeGreaterThan(0)
    const whole = items.filter(({ customerId }) => customerId !== 'c-30')
    expect(whole.map(({ placed }) => placed)).toEqual(whole.map(() => PARTITIONS))
  })

  it('is filtered by what the reader’s clock says of it, as each document says itself', async () => {
    const list = '/read-models/payment-watch'
    for (const [status, orders] of [
      ['waiting', ['o-unpaid']],
      ['overdue', ['o-overdue']],
    ] as const) {
      const { items } = (await read(`${list}?status=${status}`)) as unknown as Page
      expect(items.map((item) => [item['orderId'], item['status']])).toEqual([[orders[0], status]])
    }
    // The clock goes on between the pages, and the cursor fits all the same.
    const paid = await walk(`${list}?status=paid&limit=7&sort=-dueAt`)
    expect(new Set(paid.map(({ orderId }) => orderId)).size).toBe(ORDERS)
    expect(await read(`${list}/o-overdue`)).toMatchObject({ status: 'overdue', payment: 'open' })
  })

  it('refuses filters and sorts of grouped lists, and keys that cannot be any', async () => {
    for (const query of ['customerId=c-1', 'sort=placed', 'sort=customerId'])
      expect((await get(`/read-models/customer-dashboard?${query}`)).status).toBe(400)
    expect((await get('/read-models/customer-dashboard/c-1%2F')).status).toBe(400)
  })

  it('says that a cursor of a former version is gone', async () => {
    const former = createTokenSigner(TOKEN_SECRET).sign(
      { purpose: `cursor list ${JSON.stringify(['order-summary', [], null])}`, tenant: 'demo' },
      { build: 'order-summary.v0', place: { value: null, id: 'demo/o-1' } },
    )
    const answer = await get(`/read-models/order-summary?cursor=${former}`)
    expect([answer.status, answer.json()['type']]).toEqual([410, 'https://millrace.dev/problems/gone'])
  })
})
