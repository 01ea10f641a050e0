import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { customerDashboard, orderHistory, orderSummary } from '@millrace/domain'
import { connectCodec } from '@millrace/events'
import { createTokenSigner, positionTokens } from '@millrace/runtime'
import { orderPaid, orderPlaced, orderShipped } from '@millrace/testkit'
import { httpClient, type HttpAnswer, type HttpClient } from '../../../test/support/http-client.ts'
import {
  startServiceProcess,
  TOKEN_SECRET,
  type ServiceProcess,
} from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { openOrderStore, type OrderStore } from './order-store.ts'

type Item = {
  readonly eventId: string
  readonly type: string
  readonly version: number
  readonly state: string
  readonly sequence?: number
  readonly changed?: readonly string[]
  readonly partial?: { readonly partition: number }
  readonly before?: unknown
  readonly after?: unknown
}
type Answer = {
  readonly items: readonly Item[]
  readonly next: string | null
  readonly complete?: boolean
} & {
  readonly scanned?: { readonly events: number; readonly complete: boolean; readonly foldedFrom: string }
}

const AT = Date.UTC(1997, 0, 31)
const SUMMARY = '/read-models/order-summary'
const DASHBOARD = '/read-models/customer-dashboard'

describe('why', () => {
  let servers: TestServers
  let service: ServiceProcess
  let client: HttpClient
  let store: OrderStore
  let placed: readonly string[]
  let shipped: readonly string[]
  let parked: readonly string[]
  let parkedCommit: string

  beforeAll(async () => {
    servers = await prepareServers({ name: 'query-api-why' })
    store = openOrderStore(servers.mongoConnection, await connectCodec({ registryUrl: servers.registry }))
    const own = { order: 'o-1', partition: 0 }
    placed = (await store.append({ ...own, at: AT, events: [orderPlaced(), orderPaid()] })).eventIds
    shipped = (await store.append({ ...own, at: AT + 1_000, events: [orderShipped()] })).eventIds
    await store.append({ order: 'o-2', partition: 1, at: AT - 5_000, events: [orderPlaced()] })
    await store.append({
      ...{ order: 'o-other', partition: 1, at: AT },
      events: [orderPlaced({ customerId: 'c-2' })],
    })
    await store.append({ order: 'o-3', partition: 0, at: AT, events: [orderPlaced()] })
    const poison = await store.append({ order: 'o-3', partition: 0, at: AT, events: [orderPaid()] })
    parked = poison.eventIds
    parkedCommit = poison.commitId
    await store.publish()
    await store.append({ order: 'o-2', partition: 1, at: AT, events: [orderPaid()] })
    for (const projection of [orderSummary, orderHistory, customerDashboard])
      await store.feed(projection, { parked })
    service = await startServiceProcess('query-api', servers)
    client = httpClient(service.url)
  })

  afterAll(async () => {
    await client.close()
    await service.stop()
    await servers.stop()
  })

  const get = (path: string, headers = {}): Promise<HttpAnswer> => client.send({ path, headers })
  const why = async (path: string): Promise<Answer> => {
    const answer = await get(path)
    expect([answer.status, answer.text]).toEqual([200, answer.text])
    return answer.json() as unknown as Answer
  }
  const walk = async (path: string): Promise<Answer[]> => {
    const pages: Answer[] = []
    for (let cursor: string | null = ''; cursor !== null; cursor = pages.at(-1)?.next ?? null)
      pages.push(await why(cursor === '' ? path : `${path}&cursor=${cursor}`))
    return pages
  }
  const refusal = async (path: string): Promise<[number, string]> => {
    const { status, json } = await get(path)
    return [status, String(json()['detail'])]
  }

  describe('of a document per aggregate', () => {
    it('is every event of its stream, with what it changed', async () => {
      const { items, next, complete } = await why(`${SUMMARY}/o-1/why`)
      expect([next, complete]).toEqual([null, true])
      expect(items.map(({ eventId }) => eventId)).toEqual([...placed, ...shipped])
      expect(items.map(({ type, version, sequence, state }) => [type, version, sequence, state])).toEqual([
        ['OrderPlaced', 1, 1, 'applied'],
        ['OrderPaid', 2, 2, 'applied'],
        ['OrderShipped', 3, 3, 'applied'],
      ])
      expect(items[0]?.changed).toEqual(
        expect.arrayContaining(['customerId', 'orderId', 'total.amount', 'total.currency', 'version']),
      )
      expect(items[2]?.changed).toEqual(['shippedAt', 'status', 'version'])
      const [history] = (await why('/read-models/order-history/o-1/why?field=orderId')).items
      expect(history).toMatchObject({ type: 'OrderPlaced', after: 'o-1' })
    })

    it('of a field is those that changed it, with its values', async () => {
      const { items } = await why(`${SUMMARY}/o-1/why?field=status`)
      expect(items.map(({ before, after }) => [before, after])).toEqual([
        [undefined, 'placed'],
        ['placed', 'paid'],
        ['paid', 'shipped'],
      ])
      const amount = await why(`${SUMMARY}/o-1/why?field=total`)
      expect(amount.items.map(({ type, after }) => [type, after])).toEqual([
        ['OrderPlaced', { amount: 2498, currency: 'EUR' }],
      ])
      expect((await why(`${SUMMARY}/o-1/why?field=paidAt`)).items).toMatchObject([
        { type: 'OrderPaid', after: AT + 60_000 },
      ])
    })

    it('is the same in pages of any size', async () => {
      const whole = await why(`${SUMMARY}/o-1/why`)
      for (const limit of [1, 2, 3]) {
        const pages = await walk(`${SUMMARY}/o-1/why?limit=${limit}`)
        expect(pages.flatMap(({ items }) => items)).toEqual(whole.items)
        expect(pages.map(({ complete }) => complete)).toEqual(pages.map(({ next }) => next === null))
      }
    })

    it('tells what is parked and what is not there yet, and folds neither', async () => {
      const three = (await why(`${SUMMARY}/o-3/why`)).items
      expect(three.map(({ eventId, state, changed }) => [eventId, state, changed !== undefined])).toEqual([
        [expect.any(String), 'applied', true],
        [parked[0], 'parked', false],
      ])
      const two = (await why(`${SUMMARY}/o-2/why?field=status`)).items
      expect(two.map(({ state, sequence, after }) => [state, sequence, after])).toEqual([
        ['applied', 1, 'placed'],
        ['pending', undefined, undefined],
      ])
    })

    it('refuses a field that the document never had, and names those it had', async () => {
      for (const field of ['stat', 'total.vat', '__proto__', 'constructor', 'status.length', 'total.'])
        expect(await refusal(`${SUMMARY}/o-1/why?field=${field}`)).toEqual([
          400,
          expect.stringMatching(/it has customerId, lineCount, orderId, .*total, total\.amount/),
        ])
      expect((await get(`${SUMMARY}/o-1/why?field=`)).status).toBe(400)
    })

    it.each([`${SUMMARY}/o-none/why`, `${SUMMARY}/o-none/why?field=status`, `${DASHBOARD}/c-none/why`])(
      '%s has no document',
      async (path) => expect((await refusal(path))[0]).toBe(404),
    )

    it('is not asked of measurements, which the event store does not have', async () => {
      expect((await get('/read-models/processes/m:p:1/why')).status).toBe(404)
    })

    it('has an ETag', async () => {
      const first = await get(`${SUMMARY}/o-1/why`)
      const again = await get(`${SUMMARY}/o-1/why`, { 'if-none-match': String(first.headers['etag']) })
      expect([again.status, again.text]).toEqual([304, ''])
    })
  })

  describe('of a grouped document', () => {
    it('is the events of the log that have its key, and how far it looked', async () => {
      const { items, next, scanned } = await why(`${DASHBOARD}/c-1/why`)
      expect(items.map(({ type, state, partial }) => [type, partial?.partition, state])).toEqual([
        ['OrderPlaced', 0, 'applied'],
        ['OrderPaid', 0, 'applied'],
        ['OrderShipped', 0, 'applied'],
        ['OrderPlaced', 1, 'applied'],
        ['OrderPlaced', 0, 'applied'],
        ['OrderPaid', 0, 'parked'],
      ])
      expect(next).toBeNull()
      expect(scanned).toEqual({ events: 7, unreadable: 0, foldedFrom: 'start', complete: true })
    })

    it('shows what an event did to the partial of its own partition', async () => {
      const { items } = await why(`${DASHBOARD}/c-1/why?field=placed`)
      const applied = items.filter(({ state }) => state === 'applied')
      expect(applied.map(({ partial, before, after }) => [partial?.partition, before, after])).toEqual([
        [0, undefined, 1],
        [1, undefined, 1],
        [0, 1, 2],
      ])
    })

    it('goes on where the page before ended, and knows what that had folded', async () => {
      const whole = await why(`${DASHBOARD}/c-1/why`)
      for (const limit of [1, 2, 5]) {
        const pages = await walk(`${DASHBOARD}/c-1/why?limit=${limit}`)
        expect(pages.flatMap(({ items }) => items)).toEqual(whole.items)
        expect(pages.at(-1)?.scanned).toEqual(whole.scanned)
      }
    })

    it('refuses an unknown field when it has seen all of the log', async () => {
      expect(await refusal(`${DASHBOARD}/c-1/why?field=spend`)).toEqual([
        400,
        expect.stringMatching(/cancelled, customerId, delivered/),
      ])
    })
  })

  it('accepts cursors of its own only', async () => {
    const { next } = await why(`${SUMMARY}/o-1/why?limit=1`)
    for (const other of [
      `${SUMMARY}/o-2/why?limit=1`,
      `${SUMMARY}/o-1/why?field=status`,
      '/read-models/order-history/o-1/why?limit=1',
      `${DASHBOARD}/c-1/why?limit=1`,
      `${SUMMARY}?limit=1`,
    ])
      expect((await get(`${other}&cursor=${String(next)}`)).status).toBe(400)
  })

  it('an event that is parked makes those who wait for its key hear so at once', async () => {
    const after = positionTokens(createTokenSigner(TOKEN_SECRET)).of('demo', { commit: parkedCommit })
    for (const path of [`${SUMMARY}/o-3`, SUMMARY, `${DASHBOARD}/c-1`]) {
      const startedAt = performance.now()
      const answer = await get(`${path}?after=${after}&timeout=20000`)
      expect([answer.status, answer.json()]).toEqual([
        504,
        expect.objectContaining({ state: 'quarantined', reachedSequence: 5, wantedSequence: 5 }),
      ])
      expect(performance.now() - startedAt).toBeLessThan(5_000)
    }
  })
})
