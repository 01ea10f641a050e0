import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { customerDashboard, defineGroupedProjection } from '@millrace/domain'
import { makeInMemoryCodec } from '@millrace/events'
import { orderPaid, orderPlaced } from '@millrace/testkit'
import { openLaneRig, TOPIC, type LaneRig } from './lane-fixture.ts'
import { PartitionLog } from './log-of.ts'

const codec = await makeInMemoryCodec()
let rig: LaneRig
beforeAll(async () => {
  rig = await openLaneRig(codec)
})
afterAll(() => rig.drop())

const HOUR = 60 * 60_000
const NOON = Date.UTC(2026, 0, 1, 12)

/** Orders of an hour; one that comes an hour after its end is too late. */
const ordersByHour = defineGroupedProjection({
  name: 'orders-by-hour',
  version: 'v1',
  sources: [TOPIC],
  events: ['OrderPlaced'],
  placesOf: ({ occurredAt }) => {
    const from = occurredAt - (occurredAt % HOUR)
    return [{ key: new Date(from).toISOString(), closesAt: from + HOUR }]
  },
  partialOf: () => ({ placed: 1 }),
  merge: (one, other) => ({ placed: one.placed + other.placed }),
  graceMs: HOUR,
})

describe('a window with an hour of grace', () => {
  const log = new PartitionLog(codec, { topic: TOPIC, partition: 0 })
  let keys = 0
  /** Committed when it happened, or at `committedAt`. */
  const place = (at: number, committedAt = at) => {
    keys += 1
    return log.append(orderPlaced(), { key: `o-${keys}`, at, committedAt })
  }
  const id = (at: number) => `demo/${new Date(at).toISOString()}//${TOPIC}/0`

  it('is corrected by what comes late within it, and by nothing after it', async () => {
    place(NOON + 1)
    place(NOON + 2 * HOUR - 1)
    place(NOON + 2, NOON + 2 * HOUR - 1)
    place(NOON + 2 * HOUR)
    place(NOON + 3, NOON + 2 * HOUR)
    await (await rig.open(ordersByHour)).apply(log.records)
    expect(await rig.documents(ordersByHour)).toEqual({
      [id(NOON)]: { placed: 2 },
      [id(NOON + HOUR)]: { placed: 1 },
      [id(NOON + 2 * HOUR)]: { placed: 1 },
    })
  })

  it('keeps what came too late, with what it was judged by', async () => {
    expect(await rig.late(ordersByHour)).toMatchObject([
      {
        tenant: 'demo',
        sequence: 5,
        occurredAt: NOON + 3,
        watermark: NOON + 2 * HOUR,
        closedAt: NOON + HOUR,
      },
    ])
  })

  it('is not closed by a clock that is wrong: an event moves the watermark an hour beyond its commit at most', async () => {
    const projection = { ...ordersByHour, name: 'with-a-wrong-clock' }
    const other = new PartitionLog(codec, { topic: TOPIC, partition: 0 })
    other.append(orderPlaced(), { key: 'o-1', at: Date.UTC(9999, 11, 31), committedAt: NOON })
    other.append(orderPlaced(), { key: 'o-2', at: NOON, committedAt: NOON })
    other.append(orderPlaced(), { key: 'o-3', at: 0, committedAt: NOON })
    const lane = await rig.open(projection)
    await lane.apply(other.records)
    expect(lane.applied).toMatchObject([{ parked: 0, late: 1 }])
    expect(await rig.late(projection)).toMatchObject([{ occurredAt: 0, watermark: NOON + HOUR }])
  })

  it('judges in batches of one as in one batch', async () => {
    const projection = { ...ordersByHour, name: 'one-by-one' }
    const lane = await rig.open(projection)
    for (const record of log.records) await lane.apply([record])
    expect(await rig.documents(projection)).toEqual(await rig.documents(ordersByHour))
    expect(await rig.late(projection)).toHaveLength(1)
  })
})

describe('a grouped projection', () => {
  it('keeps partials of each partition apart, and one write for many events', async () => {
    for (const partition of [0, 1]) {
      const log = new PartitionLog(codec, { topic: TOPIC, partition })
      for (const key of ['a', 'b', 'c']) {
        log.append(orderPlaced(), { key: `${key}-${partition}` })
        log.append(orderPaid(), { key: `${key}-${partition}` })
      }
      const lane = await rig.open(customerDashboard, { partition })
      await lane.apply(log.records)
      expect(lane.applied).toMatchObject([{ events: 6, writes: 1 }])
    }
    const documents = await rig.documents(customerDashboard)
    expect(Object.keys(documents).sort()).toEqual([`demo/c-1//${TOPIC}/0`, `demo/c-1//${TOPIC}/1`])
    for (const partial of Object.values(documents)) expect(partial).toMatchObject({ placed: 3, paid: 3 })
  })

  it('parks an event whose key could not be told from another’s', async () => {
    const projection = { ...customerDashboard, name: 'slashes' }
    const log = new PartitionLog(codec, { topic: TOPIC, partition: 0 })
    log.append(orderPlaced({ customerId: 'c/1' }), { key: 'o-1' })
    log.append(orderPlaced({ customerId: 'c-1' }), { key: 'o-2' })
    await (await rig.open(projection)).apply(log.records)
    expect(Object.keys(await rig.documents(projection))).toEqual([`demo/c-1//${TOPIC}/0`])
    expect(await rig.parked(projection)).toMatchObject([
      { parkingKey: 'demo/o-1', reason: { type: 'poison', error: 'TypeError' } },
    ])
  })
})
