import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { defineProjection, orderSummary, type AnyProjection } from '@millrace/domain'
import { makeInMemoryCodec, type DomainEvent } from '@millrace/events'
import { orderCancelled, orderPaid, orderPlaced, orderShipped } from '@millrace/testkit'
import { MAX_PARKED_KEYS } from '../src/projection-lane.ts'
import { openLaneRig, TOPIC, type LaneRig } from './lane-fixture.ts'
import { PartitionLog } from './log-of.ts'

const codec = await makeInMemoryCodec()
let rig: LaneRig
beforeAll(async () => {
  rig = await openLaneRig(codec)
})
afterAll(() => rig.drop())

let log: PartitionLog
let projection: AnyProjection
let names = 0
beforeEach(() => {
  log = new PartitionLog(codec, { topic: TOPIC, partition: 0 })
  names += 1
  projection = { ...orderSummary, name: `summary-${names}` }
})

const statuses = async (): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(await rig.documents(projection)).map(([id, fields]) => [
      id,
      (fields as { status: unknown }).status,
    ]),
  )

const told = async () =>
  (await rig.parked(projection)).map(({ parkingKey, sequence, reason }) => [
    parkingKey,
    sequence,
    reason.type,
  ])

const place = (...keys: string[]) => keys.forEach((key) => log.append(orderPlaced(), { key }))

describe('an event that its fold throws for', () => {
  it('is parked, and the later ones of its key wait behind it; the others flow', async () => {
    place('o-1', 'o-2')
    log.append(orderShipped(), { key: 'o-1' })
    log.append(orderPaid(), { key: 'o-1' })
    log.append(orderPaid(), { key: 'o-2' })
    const lane = await rig.open(projection)
    expect(await lane.apply(log.records)).toEqual({ type: 'applied', nextOffset: 5n })
    expect(await statuses()).toEqual({ 'demo/o-1': 'placed', 'demo/o-2': 'paid' })
    expect(await told()).toEqual([
      ['demo/o-1', 3, 'poison'],
      ['demo/o-1', 4, 'waits'],
    ])
    expect((await rig.parked(projection))[0]?.reason).toMatchObject({ error: 'ImpossibleEventError' })
    expect(lane.applied).toEqual([{ events: 3, writes: 2, duplicates: 0, parked: 2, late: 0 }])
  })

  it('keeps its key waiting in later batches, and for whoever opens the lane next', async () => {
    place('o-1')
    log.append(orderShipped(), { key: 'o-1' })
    const first = await rig.open(projection)
    await first.apply(log.records)
    const second = log.append(orderPaid(), { key: 'o-1' })
    await first.apply([second])
    const third = log.append(orderCancelled(), { key: 'o-1' })
    const next = await rig.open(projection)
    await next.apply([third])
    expect(await statuses()).toEqual({ 'demo/o-1': 'placed' })
    expect((await told()).map(([, , type]) => type)).toEqual(['poison', 'waits', 'waits'])
  })

  it('is kept as it was, byte for byte', async () => {
    const { value } = log.append(orderPaid(), { key: 'o-1' })
    await (await rig.open(projection)).apply(log.records)
    const [kept] = await rig.parked(projection)
    expect(Buffer.from(kept?.value?.buffer ?? [])).toEqual(value)
  })

  it('changes none of its documents when the second throws', async () => {
    projection = {
      ...projection,
      placesOf: () => [{ key: 'first' }, { key: 'second' }],
      evolve: (document, _event, { key }) => {
        if (key === 'second') throw new Error('not this one')
        return { count: Number(document?.['count'] ?? 0) + 1 }
      },
    }
    place('o-1')
    await (await rig.open(projection)).apply(log.records)
    expect(await rig.documents(projection)).toEqual({})
    expect(await told()).toEqual([['demo/o-1', 1, 'poison']])
  })

  it('parks its key though it cannot even say which documents it touches', async () => {
    projection = {
      ...projection,
      placesOf: () => {
        throw new TypeError('no place')
      },
    }
    place('o-1')
    await (await rig.open(projection)).apply(log.records)
    expect(await told()).toEqual([['demo/o-1', 1, 'poison']])
  })
})

describe('a record that cannot be read', () => {
  const unknownSchema = Buffer.concat([Buffer.from([0, 0x7f, 0, 0, 0]), Buffer.from('x')])
  const productAdded: DomainEvent = {
    type: 'ProductAdded',
    data: { name: 'Tin whistle', category: 'music', price: { amount: 999, currency: 'EUR' } },
  }
  it.each([
    ['bytes that are not in wire format', Buffer.from('nonsense')],
    ['an id that the registry does not know', unknownSchema],
    ['a schema of another topic', codec.encode('catalog.product.events', productAdded)],
    ['a tombstone', null],
    ['bytes that end early', codec.encode(TOPIC, orderPaid()).subarray(0, 9)],
  ])('for %s parks its key only', async (_, value) => {
    place('o-1', 'o-2')
    log.appendSpoilt(orderPaid(), { key: 'o-1', value })
    log.append(orderShipped(), { key: 'o-1' })
    log.append(orderPaid(), { key: 'o-2' })
    expect(await (await rig.open(projection)).apply(log.records)).toEqual({ type: 'applied', nextOffset: 5n })
    expect(await statuses()).toEqual({ 'demo/o-1': 'placed', 'demo/o-2': 'paid' })
    expect(await told()).toEqual([
      ['demo/o-1', 3, 'poison'],
      ['demo/o-1', 4, 'waits'],
    ])
  })

  it('and is not the relay’s takes no place in the sequence', async () => {
    place('o-1')
    log.put({ key: Buffer.from('demo/o-9'), value: Buffer.from('foreign'), headers: {} })
    log.put({ key: null, value: Buffer.from('foreign'), headers: {} })
    log.append(orderPaid(), { key: 'o-1' })
    expect(await (await rig.open(projection)).apply(log.records)).toEqual({ type: 'applied', nextOffset: 4n })
    expect(await statuses()).toEqual({ 'demo/o-1': 'paid' })
    expect(await told()).toEqual([
      ['demo/o-9', null, 'poison'],
      [null, null, 'poison'],
    ])
  })

  it('is parked once, however often the partition is read again', async () => {
    place('o-1')
    log.put({ key: null, value: Buffer.from('foreign'), headers: {} })
    log.appendSpoilt(orderPaid(), { key: 'o-1', value: null })
    const lane = await rig.open(projection)
    await lane.apply(log.records)
    await lane.apply(log.records)
    expect(await told()).toHaveLength(2)
  })

  it('of a type that the projection does not handle is none of its business', async () => {
    projection = { ...projection, events: ['OrderPlaced'] }
    place('o-1')
    log.appendSpoilt(orderPaid(), { key: 'o-1', value: null })
    await (await rig.open(projection)).apply(log.records)
    expect(await told()).toEqual([])
  })
})

describe('a document that MongoDB will never take', () => {
  const LARGE = 'x'.repeat(17 * 1024 * 1024)

  const growing = defineProjection({
    name: 'growing',
    version: 'v1',
    sources: [TOPIC],
    events: ['OrderPlaced', 'OrderPaid'],
    evolve: (document: { text: string } | null, event) =>
      event.type === 'OrderPaid' ? { text: LARGE } : { text: document?.text ?? 'small' },
    indexes: [],
    filters: {},
    sorts: {},
  })

  it('because it is too large parks the key that makes it so, in the middle of a batch', async () => {
    projection = { ...growing, name: `growing-${names}` }
    const keys = Array.from({ length: 20 }, (_, index) => `o-${index}`)
    place(...keys)
    log.append(orderPaid(), { key: 'o-7' })
    place('o-20')
    log.append(orderPlaced(), { key: 'o-7' })
    expect(await (await rig.open(projection)).drain(log.records)).toEqual({
      type: 'applied',
      nextOffset: 23n,
    })
    expect(Object.keys(await rig.documents(projection))).toHaveLength(21)
    expect(await told()).toEqual([
      ['demo/o-7', 21, 'poison'],
      ['demo/o-7', 23, 'waits'],
    ])
  })

  it('because another has its unique value parks the second', async () => {
    const collection = rig.mongo.db.collection(`readModel.${projection.name}.v1`)
    await collection.createIndex({ customerId: 1 }, { unique: true })
    log.append(orderPlaced({ customerId: 'c-1' }), { key: 'o-1' })
    log.append(orderPlaced({ customerId: 'c-2' }), { key: 'o-2' })
    log.append(orderPlaced({ customerId: 'c-1' }), { key: 'o-3' })
    log.append(orderPaid(), { key: 'o-2' })
    await (await rig.open(projection)).drain(log.records)
    expect(await statuses()).toEqual({ 'demo/o-1': 'placed', 'demo/o-2': 'paid' })
    expect(await told()).toEqual([['demo/o-3', 3, 'poison']])
  })
})

describe('a lane', () => {
  it('that does not know whether its parking landed finds out before it goes on', async () => {
    place('o-1')
    log.append(orderShipped(), { key: 'o-1' })
    let isLost = true
    const store = {
      ...rig.store,
      commit: async (...args: Parameters<typeof rig.store.commit>) => {
        const outcome = await rig.store.commit(...args)
        if (!isLost) return outcome
        isLost = false
        throw new Error('the answer was lost')
      },
    }
    const lane = await rig.open(projection, { store })
    await expect(lane.apply(log.records)).rejects.toThrow('the answer was lost')
    log.append(orderPaid(), { key: 'o-1' })
    expect(await lane.drain(log.records)).toEqual({ type: 'applied', nextOffset: 3n })
    expect(await statuses()).toEqual({ 'demo/o-1': 'placed' })
    expect((await told()).map(([, , type]) => type)).toEqual(['poison', 'waits'])
  })

  it('stops when too many keys have gone wrong, and says so where others can see it', async () => {
    const hopeless: AnyProjection = {
      ...projection,
      evolve: () => {
        throw new Error('a bad release')
      },
    }
    const events = Array.from({ length: MAX_PARKED_KEYS + 2 }, (_, index) =>
      log.append(orderPlaced(), { key: `o-${index}` }),
    )
    const lane = await rig.open(hopeless)
    await lane.apply(events.slice(0, MAX_PARKED_KEYS + 1))
    expect(await lane.apply(events.slice(-1))).toMatchObject({
      type: 'stopped',
      reason: expect.stringContaining('10000 keys'),
    })
    const id = { projection: `${hopeless.name}.v1`, topic: TOPIC, partition: 0 }
    expect(await rig.store.read(id)).toMatchObject({ stopped: { reason: expect.stringContaining('10000') } })
    await rig.open(hopeless)
    expect(await rig.store.read(id)).not.toHaveProperty('stopped')
  })
})

describe('every interleaving of keys and every redelivery', () => {
  it('gives the same documents and the same parked events', async () => {
    const events: [DomainEvent, string][] = [
      [orderPlaced(), 'o-1'],
      [orderPlaced(), 'o-2'],
      [orderShipped(), 'o-2'],
      [orderPaid(), 'o-1'],
      [orderPaid(), 'o-2'],
      [orderPlaced(), 'o-3'],
    ]
    const results = []
    for (const order of [events, events.toSorted(([, a], [, b]) => a.localeCompare(b))]) {
      log = new PartitionLog(codec, { topic: TOPIC, partition: 0 })
      for (const [event, key] of order) log.append(event, { key })
      projection = { ...orderSummary, name: `order-${names}-${results.length}` }
      const lane = await rig.open(projection)
      for (let from = 0; from < log.records.length; from += 2)
        await lane.drain(log.records.slice(Math.max(0, from - 3), from + 2))
      const parked = (await told()).map(([key, , type]) => [key, type])
      results.push([await statuses(), parked])
    }
    expect(results[1]).toEqual(results[0])
  })
})
