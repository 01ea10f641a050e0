import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { HttpAnswer } from '../../../test/support/http-client.ts'
import { idsOf, openEventStoreDesk, type EventStoreDesk, type ShownEvent } from './event-store-desk.ts'

const NDJSON = { accept: 'application/x-ndjson' }

describe('following the event store over HTTP', () => {
  let desk: EventStoreDesk
  beforeAll(async () => {
    desk = await openEventStoreDesk('read-log')
  })
  afterAll(() => desk.close())

  describe('a log', () => {
    it('of everything has each published event once, with its sequence, and none of another tenant', async () => {
      const { next } = await desk.follow('/streams/$all')
      const [order, another] = await Promise.all([desk.writeOrder(), desk.writeOrder()])
      const foreign = await desk.writeForeignOrder(order.stream.slice('orders.order-'.length))
      const product = await desk.addProduct()
      await desk.allPublished()
      const { events } = await desk.follow('/streams/$all', next)
      expect(idsOf(events).toSorted()).toEqual([...order.ids, ...another.ids, product].toSorted())
      for (const { stream, ids } of [order, another])
        expect(idsOf(events.filter((event) => event.stream === stream))).toEqual(ids)
      for (const { sequence } of events) expect(sequence).toBeGreaterThan(0)
      const whole = await desk.follow('/streams/$all', '', 1_000)
      expect(idsOf(whole.events)).toEqual(expect.arrayContaining(idsOf(events)))
      expect(idsOf(whole.events).filter((id) => foreign.includes(id))).toEqual([])
    })

    it('of a category has its streams, and of a type its events', async () => {
      const starts = await Promise.all(
        ['/categories/catalog.product', '/types/OrderPaid'].map((path) => desk.follow(path)),
      )
      const { ids } = await desk.writeOrder()
      const product = await desk.addProduct()
      await desk.allPublished()
      const products = await desk.follow('/categories/catalog.product', starts[0]?.next)
      expect(products.events.map(({ id, type }) => [id, type])).toEqual([[product, 'ProductAdded']])
      const paid = await desk.follow('/types/OrderPaid', starts[1]?.next)
      expect(paid.events.map(({ id, type, version }) => [id, type, version])).toEqual([
        [ids[1], 'OrderPaid', 2],
      ])
    })

    it('is the same under the name of an encoded dollar', async () => {
      await desk.writeOrder()
      await desk.allPublished()
      const [plain, encoded] = await Promise.all(
        ['$', '%24'].map((dollar) => desk.page(`/streams/${dollar}all`)),
      )
      expect(plain?.events.length).toBeGreaterThan(0)
      expect(encoded?.events).toEqual(plain?.events)
    })

    it('shows whoever follows it while others write each event once, in the order of its stream', async () => {
      const { next: start } = await desk.follow('/streams/$all', '', 1_000)
      let isWriting = true
      const orders = Promise.all(
        Array.from({ length: 8 }, async () => {
          const written = []
          for (let turn = 0; turn < 5; turn++) written.push(await desk.writeOrder())
          return written
        }),
      )
      const followers = [3, 50].map(async (count) => {
        const seen: ShownEvent[] = []
        let from = start
        for (let isLast = false; !isLast;) {
          isLast = !isWriting
          const more = await desk.follow('/streams/$all', from, count)
          seen.push(...more.events)
          from = more.next
        }
        return seen
      })
      const written = (await orders).flat()
      await desk.allPublished()
      isWriting = false
      for (const seen of await Promise.all(followers)) {
        expect(idsOf(seen).toSorted()).toEqual(written.flatMap(({ ids }) => ids).toSorted())
        for (const { stream, ids } of written)
          expect(idsOf(seen.filter((event) => event.stream === stream))).toEqual(ids)
      }
    })
  })

  describe('line by line', () => {
    const linesOf = ({ text }: HttpAnswer): unknown[] =>
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as unknown)

    const nextOf = (answer: HttpAnswer, path: string): string => {
      const [, target = ''] = /^<([^>]*)>; rel="next"$/.exec(String(answer.headers['link'])) ?? []
      expect(target).not.toBe('')
      const { pathname, search } = new URL(target, new URL(path, desk.service.url))
      return pathname + search
    }

    it('a stream is the same events, with a link to the next ones until there are none', async () => {
      const { stream } = await desk.writeOrder()
      const path = `/streams/${stream}?count=2&direction=backward`
      const answer = await desk.get(path, NDJSON)
      expect([answer.status, answer.headers['content-type'], answer.headers['vary']]).toEqual([
        200,
        'application/x-ndjson',
        'Accept',
      ])
      expect(linesOf(answer)).toEqual((await desk.page(path)).events)
      const rest = await desk.get(nextOf(answer, path), NDJSON)
      expect(linesOf(rest)).toMatchObject([{ version: 1 }])
      expect(rest.headers['link']).toBeUndefined()
    })

    it('a log links to what comes next for ever, and says when there is nothing more for now', async () => {
      await desk.writeOrder()
      await desk.allPublished()
      const { events, next } = await desk.follow('/streams/$all', '', 1_000)
      const lines: unknown[] = []
      let path = '/streams/$all?count=1000'
      let answer: HttpAnswer
      do {
        answer = await desk.get(path, NDJSON)
        lines.push(...linesOf(answer))
        path = nextOf(answer, path)
      } while (answer.headers['caught-up'] !== 'true')
      expect(lines).toEqual(events)
      expect(new URLSearchParams(path.slice(path.indexOf('?'))).get('from')).toBe(next)
      expect((await desk.get(path, NDJSON)).text).toBe('')
    })

    it('comes only to those who prefer it', async () => {
      for (const accept of ['*/*', 'application/json', 'application/x-ndjson;q=0.1, */*', 'text/html']) {
        const answer = await desk.get('/streams/$all?count=1', { accept })
        expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json'])
      }
    })
  })
})
