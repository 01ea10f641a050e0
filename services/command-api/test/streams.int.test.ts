import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createTokenSigner, positionTokens } from '@millrace/runtime'
import type { HttpAnswer } from '../../../test/support/http-client.ts'
import { TOKEN_SECRET } from '../../../test/support/service-process.ts'
import { logPositions } from '../src/http/streams/log-positions.ts'
import { everything } from '../src/http/streams/log-scope.ts'
import { idsOf, openEventStoreDesk, type EventStoreDesk } from './event-store-desk.ts'

describe('the event store over HTTP', () => {
  let desk: EventStoreDesk
  beforeAll(async () => {
    desk = await openEventStoreDesk('streams')
  })
  afterAll(() => desk.close())

  const expectProblem = (answer: HttpAnswer, status: number): void => {
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/problem+json'])
    const type = status === 400 ? 'bad-request' : 'not-found'
    expect(answer.json()).toEqual({
      status,
      type: `https://millrace.dev/problems/${type}`,
      title: expect.any(String),
      detail: expect.any(String),
      instance: `urn:request:${String(answer.headers['x-request-id'])}`,
    })
    expect(answer.text).not.toMatch(/node_modules|\.ts:\d|Mongo|at Object/)
    expect(desk.service.isAlive()).toBe(true)
  }

  describe('a stream', () => {
    it('is its events, with all that is known of them, before they are in Kafka and after', async () => {
      const before = Date.now()
      const { stream, ids } = await desk.writeOrder()
      const { events, next } = await desk.page<number | null>(`/streams/${stream}`)
      expect(next).toBeNull()
      expect(idsOf(events)).toEqual(ids)
      expect(events.map(({ type, version }) => [type, version])).toEqual([
        ['OrderPlaced', 1],
        ['OrderPaid', 2],
        ['OrderShipped', 3],
      ])
      expect(events[0]).toEqual({
        id: ids[0],
        type: 'OrderPlaced',
        stream,
        version: 1,
        occurredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        correlationId: expect.any(String),
        causationId: expect.any(String),
        actor: 'dev',
        data: expect.objectContaining({ customerId: 'c-1', currency: 'EUR' }),
      })
      const at = Date.parse(events[0]?.occurredAt ?? '')
      expect(at).toBeGreaterThanOrEqual(before)
      expect(at).toBeLessThanOrEqual(Date.now())
    })

    it('is read both ways, page by page', async () => {
      const { stream, ids } = await desk.writeOrder()
      const first = await desk.page<number | null>(`/streams/${stream}?count=2`)
      expect([idsOf(first.events), first.next]).toEqual([ids.slice(0, 2), 3])
      const second = await desk.page<number | null>(`/streams/${stream}?count=2&from=${first.next}`)
      expect([idsOf(second.events), second.next]).toEqual([ids.slice(2), null])
      const last = await desk.page<number | null>(`/streams/${stream}?count=2&direction=backward`)
      expect([idsOf(last.events), last.next]).toEqual([ids.slice(1).reverse(), 1])
      const rest = await desk.page<number | null>(
        `/streams/${stream}?count=2&direction=backward&from=${last.next}`,
      )
      expect([idsOf(rest.events), rest.next]).toEqual([ids.slice(0, 1), null])
      expect(await desk.page<number | null>(`/streams/${stream}?from=4`)).toEqual({ events: [], next: null })
    })

    it('is described by its metadata, with a position that can be waited for', async () => {
      const { stream, ids } = await desk.writeOrder()
      const answer = await desk.get(`/streams/${stream}/metadata`)
      expect([answer.status, answer.json()]).toEqual([
        200,
        {
          stream,
          category: 'orders.order',
          version: 3,
          firstCommitAt: expect.stringMatching(/^\d{4}-.*Z$/),
          lastCommitAt: expect.stringMatching(/^\d{4}-.*Z$/),
          lastEventId: ids[2],
          position: expect.any(String),
        },
      ])
      const tokens = positionTokens(createTokenSigner(TOKEN_SECRET))
      const position = tokens.read('demo', String(answer.json()['position']))
      const commit = position && 'commit' in position ? position.commit : ''
      const commits = desk.servers.mongoConnection.db.collection<{ _id: string }>('commits')
      expect(await commits.findOne({ _id: commit })).toMatchObject({ stream, last: 3 })
    })

    it('of another tenant is not there', async () => {
      const key = `o-${randomUUID()}`
      await desk.writeForeignOrder(key)
      for (const path of ['', '/metadata', '?direction=backward', '?from=2'])
        expectProblem(await desk.get(`/streams/orders.order-${key}${path}`), 404)
    })
  })

  describe('refuses', () => {
    it('a position of another log, of another tenant and of a commit', async () => {
      const { next } = await desk.page<string>('/streams/$all?count=1')
      expectProblem(await desk.get(`/categories/orders.order?from=${next}`), 400)
      expectProblem(await desk.get(`/types/OrderPlaced?from=${next}`), 400)
      const { stream } = await knownOrder()
      expectProblem(await desk.get(`/streams/${stream}?from=${next}`), 400)
      const foreign = logPositions(createTokenSigner(TOKEN_SECRET)).of('other', everything(), {})
      expectProblem(await desk.get(`/streams/$all?from=${foreign}`), 400)
      const { position } = (await desk.get(`/streams/${stream}/metadata`)).json()
      expectProblem(await desk.get(`/streams/$all?from=${String(position)}`), 400)
    })

    it('other methods, and says which there are', async () => {
      for (const path of ['/streams/$all', '/categories/orders.order', '/types/OrderPlaced']) {
        const answer = await desk.client.send({ method: 'PUT', path })
        expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD'])
      }
    })

    let known: Promise<{ stream: string }> | undefined
    const knownOrder = (): Promise<{ stream: string }> => (known ??= desk.writeOrder())
  })
})
