import { beforeEach, describe, expect, it } from '@jest/globals'
import {
  customerDashboard,
  defineProjection,
  orderSummary,
  productMetrics,
  type AnyProjection,
} from '@millrace/domain'
import { makeInMemoryCodec } from '@millrace/events'
import {
  orderCancelled,
  orderPaid,
  orderPlaced,
  orderShipped,
  ordersByHour,
  productAdded,
} from '@millrace/testkit'
import { documentOf, foldLog, type FoldedChange, type LogFold, type LogFoldDeps } from '../src/log-fold.ts'
import { FakeLog } from './fake-log.ts'

const TOPIC = 'orders.order.events'
const PRODUCTS = 'catalog.product.events'
const PLACE = `${TOPIC}/0`
const codec = await makeInMemoryCodec()
let log: FakeLog
beforeEach(() => {
  log = new FakeLog(codec)
})

type Given = Partial<Omit<LogFoldDeps, 'parked'>> & { readonly parked?: readonly number[] }

const open = (projection: AnyProjection, { parked = [], ...given }: Given = {}): LogFold =>
  foldLog({
    log,
    codec,
    projection,
    shards: [{ topic: TOPIC, partition: 0 }],
    wants: () => true,
    ...given,
    parked: async () => new Map(parked.map((sequence) => [sequence, null])),
  })

const keysOf = async (fold: LogFold): Promise<string[]> => {
  const all: string[] = []
  for await (const keys of fold.keys()) all.push(...keys)
  return all
}

const documentsOf = async (fold: LogFold, projection: AnyProjection): Promise<Record<string, unknown>> => {
  const { documents } = await fold.read(await keysOf(fold))
  return Object.fromEntries([...documents].map(([key, partials]) => [key, documentOf(projection, partials)]))
}

const fold = async (projection: AnyProjection, given: Given = {}): Promise<Record<string, unknown>> => {
  const opened = open(projection, given)
  await opened.advance()
  return documentsOf(opened, projection)
}

const place = (...keys: string[]) => keys.forEach((key) => log.append(orderPlaced(), { key }))

/** Until it is paid. */
const unpaid = defineProjection({
  name: 'unpaid',
  version: 'v1',
  sources: [TOPIC],
  events: ['OrderPlaced', 'OrderPaid'],
  evolve: (_: { placedAt: number } | null, { type, occurredAt }) =>
    type === 'OrderPaid' ? null : { placedAt: occurredAt },
  indexes: [],
  filters: {},
  sorts: {},
})

describe('a fold of the log', () => {
  it('has the documents of all tenants, and says up to where', async () => {
    place('o-1', 'o-2')
    log.append(orderPlaced(), { key: 'o-1', tenant: 'acme' })
    log.append(orderPaid(), { key: 'o-1', tenant: 'acme' })
    const opened = open(orderSummary)
    await opened.advance()
    expect(await documentsOf(opened, orderSummary)).toMatchObject({
      'demo/o-1': { orderId: 'o-1', status: 'placed' },
      'demo/o-2': { orderId: 'o-2', status: 'placed' },
      'acme/o-1': { orderId: 'o-1', status: 'paid', version: 2 },
    })
    const { documents, reached } = await opened.read(['acme/o-1', 'demo/o-3'])
    expect([...documents]).toMatchObject([['acme/o-1', [{ place: PLACE, sequence: 4 }]]])
    expect([...reached]).toEqual([[PLACE, 4]])
    expect(opened.events()).toBe(4)
  })

  it('goes on where it was when it advances', async () => {
    place('o-1', 'o-2')
    const opened = open(orderSummary)
    await opened.advance()
    await opened.advance()
    log.append(orderPaid(), { key: 'o-2' })
    await opened.advance()
    expect(await documentsOf(opened, orderSummary)).toEqual(await fold(orderSummary))
    expect(opened.events()).toBe(3)
  })

  it('joins the partials of all partitions and topics', async () => {
    log.append(orderPlaced(), { key: 'o-1' })
    log.append(orderPlaced(), { key: 'o-2', partition: 1 })
    log.append(productAdded(), { key: 'p-1', partition: 2 })
    const shards = [
      { topic: TOPIC, partition: 0 },
      { topic: TOPIC, partition: 1 },
      { topic: PRODUCTS, partition: 2 },
    ]
    const opened = open(productMetrics, { shards })
    await opened.advance()
    expect((await documentsOf(opened, productMetrics))['demo/p-1']).toMatchObject({
      changes: [{ name: 'Tin whistle' }],
      sales: [{ orders: 2, quantity: 4 }],
    })
    const { documents, reached } = await opened.read(['demo/p-1'])
    expect(documents.get('demo/p-1')?.map((partial) => partial.place)).toEqual([
      `${TOPIC}/0`,
      `${TOPIC}/1`,
      `${PRODUCTS}/2`,
    ])
    expect(reached.size).toBe(3)
  })

  it('makes only the documents that are wanted, and these of everything', async () => {
    log.append(orderPlaced(), { key: 'o-1' })
    log.append(orderPlaced({ customerId: 'c-2' }), { key: 'o-2' })
    log.append(orderPaid(), { key: 'o-1' })
    const whole = await fold(customerDashboard)
    expect(Object.keys(whole)).toEqual(['demo/c-1', 'demo/c-2'])
    const wanted = await fold(customerDashboard, { wants: (key) => key === 'demo/c-1' })
    expect(wanted).toEqual({ 'demo/c-1': whole['demo/c-1'] })
  })

  it('judges lateness by the whole partition, also for the few that are wanted', async () => {
    const HOUR = 60 * 60_000
    const noon = Date.UTC(2026, 0, 1, 12)
    log.append(orderPlaced(), { key: 'o-1', at: noon })
    log.append(orderPlaced(), { key: 'o-2', at: noon + 2 * HOUR })
    log.append(orderPlaced(), { key: 'o-3', at: noon + 1, committedAt: noon + 2 * HOUR })
    const documents = await fold(ordersByHour, { wants: (key) => key === 'demo/2026-01-01T12' })
    expect(documents).toMatchObject({ 'demo/2026-01-01T12': { orders: 1 } })
  })

  it('remembers when a document was deleted, and has no key of it', async () => {
    place('o-1', 'o-2')
    const opened = open(unpaid)
    await opened.advance()
    log.append(orderPaid(), { key: 'o-1' })
    await opened.advance()
    expect(await keysOf(opened)).toEqual(['demo/o-2'])
    const { documents } = await opened.read(['demo/o-1'])
    expect(documents.get('demo/o-1')).toEqual([{ place: PLACE, sequence: 3, fields: null }])
  })
})

describe('an event that cannot be applied', () => {
  const poisoned = (): void => {
    place('o-1', 'o-2')
    log.append(orderShipped(), { key: 'o-1' })
    log.append(orderPaid(), { key: 'o-1' })
    log.append(orderPaid(), { key: 'o-2' })
    log.append(orderCancelled(), { key: 'o-1' })
  }
  const expected = { 'demo/o-1': { status: 'placed' }, 'demo/o-2': { status: 'paid' } }

  it.each([1, 2, 3, 100])('stops its key for good, in stretches of %d', async (stretch) => {
    log.stretch = stretch
    poisoned()
    expect(await fold(orderSummary)).toMatchObject(expected)
  })

  it.each([1, 2, 3, 100])('stops it when changes are told too, in stretches of %d', async (stretch) => {
    log.stretch = stretch
    poisoned()
    const told: string[] = []
    const onChange = ({ key, event }: FoldedChange) => told.push(`${key} ${event.sequence}`)
    expect(await fold(orderSummary, { onChange })).toMatchObject(expected)
    expect(told).toEqual(['demo/o-1 1', 'demo/o-2 2', 'demo/o-2 5'])
  })

  it.each([
    ['no wire format', Buffer.from('nonsense')],
    ['a schema that nobody knows', Buffer.concat([Buffer.from([0, 0x7f, 0, 0, 0]), Buffer.from('x')])],
    ['the schema of another type', codec.encode(TOPIC, orderCancelled())],
  ])('because of %s stops its key', async (_, bytes) => {
    place('o-1', 'o-2')
    log.append(orderPaid(), { key: 'o-1', bytes })
    log.append(orderCancelled(), { key: 'o-1' })
    log.append(orderPaid(), { key: 'o-2' })
    expect(await fold(orderSummary)).toMatchObject(expected)
  })

  it('stops the key of its own tenant only', async () => {
    poisoned()
    log.append(orderPlaced(), { key: 'o-1', tenant: 'acme' })
    log.append(orderPaid(), { key: 'o-1', tenant: 'acme' })
    expect(await fold(orderSummary)).toMatchObject({ ...expected, 'acme/o-1': { status: 'paid' } })
  })

  it('of a type that is not handled is none of its business', async () => {
    place('o-1')
    log.append(orderShipped(), { key: 'o-1', bytes: Buffer.from('nonsense') })
    log.append(orderPaid(), { key: 'o-1' })
    expect(await fold({ ...orderSummary, events: ['OrderPlaced', 'OrderPaid'] })).toMatchObject({
      'demo/o-1': { status: 'paid' },
    })
  })
})

describe('what the build has parked', () => {
  it('is left out, with all that comes later under its key', async () => {
    place('o-1', 'o-2')
    log.append(orderPaid(), { key: 'o-1' })
    log.append(orderShipped(), { key: 'o-1' })
    log.append(orderPaid(), { key: 'o-2' })
    expect(await fold(orderSummary, { parked: [3] })).toMatchObject({
      'demo/o-1': { status: 'placed' },
      'demo/o-2': { status: 'paid' },
    })
  })

  it('is known before the fold comes to it, when it goes no further than the build', async () => {
    place('o-1', 'o-2')
    log.append(orderPaid(), { key: 'o-1' })
    log.append(orderPaid(), { key: 'o-2' })
    const parked = new Map<number, string>()
    const opened = foldLog({
      log,
      codec,
      projection: orderSummary,
      shards: [{ topic: TOPIC, partition: 0 }],
      wants: () => true,
      parked: async () => parked,
    })
    await opened.advance(new Map([[PLACE, 2]]))
    expect([...(await opened.read([])).reached]).toEqual([[PLACE, 2]])
    parked.set(3, 'demo/o-1')
    await opened.advance(new Map([[PLACE, 4]]))
    expect(await documentsOf(opened, orderSummary)).toMatchObject({
      'demo/o-1': { status: 'placed' },
      'demo/o-2': { status: 'paid' },
    })
    expect(log.underWay).toBe(0)
  })
})

describe('a fold that begins where a build is', () => {
  const HOUR = 60 * 60_000
  const noon = Date.UTC(2026, 0, 1, 12)
  const stored = (id: string, key: string, fields: object) =>
    new Map([[key, [{ id, place: PLACE, sequence: 1, fields: { ...fields } }]]])

  it('goes on with its documents, and with no event before', async () => {
    place('o-1', 'o-2')
    const documents = await fold(orderSummary)
    log.append(orderPaid(), { key: 'o-1' })
    const opened = open(orderSummary, {
      start: {
        documents: stored('demo/o-1', 'demo/o-1', { ...(documents['demo/o-1'] as object), made: 'by hand' }),
        reached: new Map([[PLACE, 2]]),
        watermarks: new Map(),
      },
    })
    const before = await opened.read(['demo/o-1', 'demo/o-2'])
    expect([...before.documents.keys(), ...before.reached]).toEqual(['demo/o-1', [PLACE, 2]])
    const after = await before.at(new Map([[PLACE, 3]]))
    expect(after.documents.get('demo/o-1')).toMatchObject([
      { place: PLACE, sequence: 3, fields: { made: 'by hand', status: 'paid' } },
    ])
    expect([opened.events(), ...after.reached]).toEqual([1, [PLACE, 3]])
  })

  it('goes to the positions it is given, not beyond and not back', async () => {
    place('o-1', 'o-2', 'o-3')
    log.append(orderPaid(), { key: 'o-1' })
    const sight = await open(orderSummary).read(['demo/o-1'])
    const reachedAt = async (position: number) => {
      const { documents, reached } = await sight.at(new Map([[PLACE, position]]))
      const [partial] = documents.get('demo/o-1') ?? []
      return [reached.get(PLACE), partial?.fields?.['status']]
    }
    expect(await reachedAt(2)).toEqual([2, 'placed'])
    expect(await reachedAt(1)).toEqual([2, 'placed'])
    expect(await reachedAt(9)).toEqual([4, 'paid'])
  })

  it('judges lateness by the watermark of the build', async () => {
    const id = `demo/2026-01-01T12//${PLACE}`
    log.append(orderPlaced(), { key: 'o-1', at: noon })
    log.append(orderPlaced(), { key: 'o-2', at: noon + 1, committedAt: noon + 2 * HOUR })
    const orders = async (watermark: number) => {
      const start = {
        documents: stored(id, 'demo/2026-01-01T12', { hour: '2026-01-01T12', orders: 1, ordered: {} }),
        reached: new Map([[PLACE, 1]]),
        watermarks: new Map([[PLACE, watermark]]),
      }
      return fold(ordersByHour, { start })
    }
    expect(await orders(noon)).toMatchObject({ 'demo/2026-01-01T12': { orders: 2 } })
    expect(await orders(noon + 2 * HOUR)).toMatchObject({ 'demo/2026-01-01T12': { orders: 1 } })
  })

  it('leaves out what comes later under a key that the build has parked, or parks meanwhile', async () => {
    place('o-1', 'o-2', 'o-3')
    for (const key of ['o-1', 'o-2', 'o-3', 'o-2']) log.append(orderPaid(), { key })
    const start = {
      ...{ documents: new Map(), watermarks: new Map([[PLACE, null]]) },
      reached: new Map([[PLACE, 3]]),
    }
    const told: string[] = []
    const opened = foldLog({
      ...{ log, codec, projection: customerDashboard, start, wants: () => true },
      shards: [{ topic: TOPIC, partition: 0 }],
      parked: async () =>
        new Map([
          [1, 'demo/o-1'],
          [5, 'demo/o-2'],
        ]),
      onChange: ({ key, event }) => told.push(`${key} ${event.sequence}`),
    })
    await opened.advance()
    expect(told).toEqual(['demo/c-1 6'])
  })
})

describe('a change', () => {
  it('names its event, its document, and what that was before', async () => {
    place('o-1')
    const { id } = log.append(orderPaid(), { key: 'o-1' })
    const changes: FoldedChange[] = []
    await fold(orderSummary, { onChange: (change) => changes.push(change) })
    expect(changes).toMatchObject([
      { key: 'demo/o-1', event: { type: 'OrderPlaced', sequence: 1 }, before: null },
      {
        key: 'demo/o-1',
        event: { id, type: 'OrderPaid', sequence: 2 },
        before: { status: 'placed' },
        write: { fields: { status: 'paid' } },
      },
    ])
  })

  it('is told once for each document of an event, and not for those that are not wanted', async () => {
    log.append(orderPlaced(), { key: 'o-1' })
    log.append(orderPlaced(), { key: 'o-2' })
    const told: string[] = []
    await fold(productMetrics, {
      wants: (key) => key !== 'demo/p-2',
      onChange: ({ key, event }) => told.push(`${key} ${event.key}`),
    })
    expect(told).toEqual(['demo/p-1 o-1', 'demo/p-1 o-2'])
  })
})

describe('a fold that is given up', () => {
  it('has ended its reading, and goes on from there without folding anything twice', async () => {
    place('o-1', 'o-2', 'o-3', 'o-4')
    log.append(orderPaid(), { key: 'o-1' })
    let isPatient = false
    const opened = open(customerDashboard, {
      onProgress: () => {
        if (!isPatient) throw new Error('enough')
      },
    })
    await expect(opened.advance()).rejects.toThrow('enough')
    expect(log.underWay).toBe(0)
    isPatient = true
    await opened.advance()
    expect(await documentsOf(opened, customerDashboard)).toEqual(await fold(customerDashboard))
  })

  it('is refused for a topic that is none', () => {
    expect(() => open(orderSummary, { shards: [{ topic: 'nowhere', partition: 0 }] })).toThrow(TypeError)
  })
})
