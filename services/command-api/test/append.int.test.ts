import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { MAX_LONG } from '@millrace/events'
import { mongoPublications } from '@millrace/mongo'
import { httpClient, type HttpAnswer, type HttpClient } from '../../../test/support/http-client.ts'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { toMessages } from '../src/relay/to-messages.ts'

const placed = {
  type: 'OrderPlaced',
  data: { customerId: 'c-1', currency: 'EUR', lines: [{ productId: 'p-1', quantity: 1, amount: 5 }] },
}
const paid = {
  type: 'OrderPaid',
  data: { customerId: 'c-1', method: 'card', total: { amount: 5, currency: 'EUR' } },
}
const shipped = { type: 'OrderShipped', data: { customerId: 'c-1', carrier: 'DHL', trackingId: null } }

const withLine = (...lines: readonly object[]) => ({
  ...placed.data,
  lines: lines.map((line) => ({ productId: 'p-1', quantity: 1, ...line })),
})

describe('POST /streams/{id}/events', () => {
  let servers: TestServers
  let services: ServiceProcess[]
  let clients: HttpClient[]

  beforeAll(async () => {
    servers = await prepareServers({ name: 'append' })
    services = await Promise.all([1, 2].map(() => startServiceProcess('command-api', servers)))
    clients = services.map(({ url }) => httpClient(url))
  })

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()))
    await Promise.all(services.map((service) => service.stop()))
    await servers.stop()
  })

  const commits = () => servers.mongoConnection.db.collection('commits')
  const newStream = (): string => `orders.order-${randomUUID()}`

  type More = { readonly key?: string; readonly headers?: Record<string, string>; readonly via?: 0 | 1 }

  const append = (
    stream: string,
    expected: string | number,
    { events, key = randomUUID(), headers = {}, via = 0 }: More & { events: unknown },
  ): Promise<HttpAnswer> =>
    (clients[via] as HttpClient).send({
      method: 'POST',
      path: `/streams/${stream}/events`,
      headers: {
        'content-type': 'application/json',
        'idempotency-key': key,
        'expected-version': String(expected),
        ...headers,
      },
      body: typeof events === 'string' ? events : JSON.stringify(events),
    })

  it('appends events behind the expected version and answers as a command does', async () => {
    const stream = newStream()
    const first = await append(stream, 'none', { events: [placed, paid] })
    expect([first.status, first.headers['etag']]).toEqual([200, '"2"'])
    expect(first.json()).toEqual({
      stream,
      version: 2,
      events: [
        { id: expect.any(String), type: 'OrderPlaced', version: 1 },
        { id: expect.any(String), type: 'OrderPaid', version: 2 },
      ],
      position: expect.any(String),
    })
    const second = await append(stream, 2, { events: [shipped] })
    expect(second.json()).toMatchObject({ version: 3 })
  })

  it('refuses a version that is not the end of the stream, also one inside a commit, with the current one', async () => {
    const stream = newStream()
    await append(stream, 'none', { events: [placed, paid] })
    for (const expected of ['none', 0, 1, 3]) {
      const answer = await append(stream, expected, { events: [shipped] })
      expect([answer.status, answer.json()['currentVersion']]).toEqual([409, 2])
    }
    expect((await append(stream, 'any', { events: [shipped] })).json()).toMatchObject({ version: 3 })
  })

  it('gives its first answer again, by any replica, and refuses other events under its key', async () => {
    const stream = newStream()
    const key = randomUUID()
    const first = await append(stream, 'none', { events: [placed], key })
    const again = await append(stream, 'none', { events: [placed], key, via: 1 })
    expect([again.status, again.text]).toEqual([200, first.text])
    expect(again.headers['idempotent-replayed']).toBe('true')
    const other = await append(stream, 1, { events: [paid], key })
    expect([other.status, other.json()['type']]).toEqual([422, expect.stringMatching(/key-reused$/)])
  })

  it('gives its first answer again also where the same events could not follow themselves', async () => {
    const stream = newStream()
    const key = randomUUID()
    const first = await append(stream, 'any', { events: [placed], key })
    for (const via of [0, 1] as const) {
      const again = await append(stream, 'any', { events: [placed], key, via })
      expect([again.status, again.text]).toEqual([200, first.text])
    }
    const other = await append(stream, 'any', { events: [placed] })
    expect([other.status, other.json()['type']]).toEqual([422, expect.stringMatching(/invalid-event$/)])
  })

  it('lets one of many racing appends win each version', async () => {
    const stream = newStream()
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        append(stream, 'none', { events: [placed], via: index % 2 === 0 ? 0 : 1 }),
      ),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([
      200,
      ...Array.from({ length: 15 }, () => 409),
    ])
  })

  it('is what commands decide on, and the other way round', async () => {
    const id = randomUUID()
    const stream = `orders.order-${id}`
    await append(stream, 'none', { events: [placed] })
    const pay = await (clients[1] as HttpClient).send({
      method: 'POST',
      path: `/orders/${id}/pay`,
      headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: '{"method":"card"}',
    })
    expect([pay.status, pay.json()['version']]).toEqual([200, 2])
    expect((await append(stream, 2, { events: [shipped] })).status).toBe(200)
  })

  it('keeps metadata and sends it along as CloudEvents extensions', async () => {
    const stream = newStream()
    const events = [{ ...placed, metadata: { campaign: 'spring', source2: 'shop' } }]
    expect((await append(stream, 'none', { events })).status).toBe(200)
    const commit = await commits().findOne({ stream })
    const publications = mongoPublications(servers.mongoConnection)
    const planned = await publications.commitsOf({ commitIds: [String(commit?._id)] } as never)
    expect(toMessages(planned, 7)[0]?.headers).toMatchObject({
      ce_campaign: 'spring',
      ce_source2: 'shop',
      ce_type: 'OrderPlaced',
      ce_sequence: '7',
    })
  })

  const refused: readonly [string, More & { expected?: string; events: unknown }, number, string?][] = [
    ['an unknown type', { events: [{ type: 'OrderTeleported', data: {} }] }, 422, '/0/type'],
    ['a type of another context', { events: [{ type: 'ProductRetired', data: {} }] }, 422, '/0/type'],
    [
      'a type that is a property of all objects',
      { events: [{ type: 'constructor', data: {} }] },
      422,
      '/0/type',
    ],
    [
      'data without a field',
      { events: [{ type: 'OrderPlaced', data: { customerId: 'c' } }] },
      422,
      '/0/data/currency',
    ],
    [
      'data of a wrong type',
      { events: [placed, { ...paid, data: { ...paid.data, method: 1 } }] },
      422,
      '/1/data/method',
    ],
    [
      'an unknown field in its data',
      { events: [{ ...placed, data: { ...placed.data, vip: true } }] },
      422,
      '/0/data/vip',
    ],
    [
      'a number beyond 2^53',
      { events: [{ ...paid, data: { ...paid.data, total: { amount: 2 ** 60, currency: 'EUR' } } }] },
      422,
    ],
    ['an event that cannot be', { events: [shipped] }, 422, '/0'],
    ['an event that cannot follow the one before', { events: [placed, shipped] }, 422, '/1'],
    ['no events', { events: [] }, 400],
    ['too many events', { events: Array.from({ length: 401 }, () => placed) }, 400],
    ['a body that is one event', { events: placed }, 400],
    ['an unknown field', { events: [{ ...placed, id: 'x' }] }, 400, '/0/id'],
    ['metadata that speaks for the event', { events: [{ ...placed, metadata: { tenant: 'other' } }] }, 400],
    ['metadata with a name that is no attribute', { events: [{ ...placed, metadata: { 'a-b': 'x' } }] }, 400],
    ['metadata that is no text', { events: [{ ...placed, metadata: { a: 1 } }] }, 400, '/0/metadata/a'],
    [
      'metadata with a line break',
      { events: [{ ...placed, metadata: { a: 'x\r\ny' } }] },
      400,
      '/0/metadata/a',
    ],
    ['malformed JSON', { events: '[{"type":' }, 400],
    ['a version that is no number', { expected: '1.5', events: [placed] }, 400],
    ['a negative version', { expected: '-1', events: [placed] }, 400],
    ['an empty Expected-Version', { expected: '', events: [placed] }, 400],
    [
      'metadata that makes it too large for Kafka',
      {
        events: Array.from({ length: 220 }, () => ({
          ...placed,
          metadata: Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`m${n}`, 'x'.repeat(230)])),
        })),
      },
      413,
    ],
    [
      'a text longer than a command may have',
      { events: [{ ...placed, data: { ...placed.data, customerId: 'c'.repeat(129) } }] },
      422,
      '/0/data/customerId',
    ],
    ['an amount below nothing', { events: [{ ...placed, data: withLine({ amount: -5 }) }] }, 422],
    [
      'lines whose total no event can have',
      { events: [{ ...placed, data: withLine({ amount: MAX_LONG }, { amount: 1 }) }] },
      422,
      '/0/data/lines',
    ],
  ]

  it.each(refused)('refuses %s and writes nothing', async (...row) => {
    const [, request, status, pointer] = row
    const before = await commits().countDocuments()
    const answer = await append(newStream(), request.expected ?? 'none', request)
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    if (pointer) expect(answer.json()['errors']).toEqual([expect.objectContaining({ pointer })])
    expect(await commits().countDocuments()).toBe(before)
  })

  it.each(['nothing-x', 'orders.order', 'orders.invoice-1', '$all'])(
    'knows no stream called %s',
    async (stream) => {
      expect((await append(stream, 'any', { events: [placed] })).status).toBe(404)
    },
  )

  it.each(['orders.order-', 'orders.order-a%2Fb', 'orders.order-a%00b', `orders.order-${'a'.repeat(129)}`])(
    'says what an id is when it is none: %s',
    async (stream) => {
      const answer = await append(stream, 'any', { events: [placed] })
      expect([answer.status, answer.json()['detail']]).toEqual([
        400,
        expect.stringMatching(/^id: must be a stream such as .* 1 to 128 characters of A-Z a-z/),
      ])
    },
  )
})
