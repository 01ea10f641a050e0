import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { mongoLaneLookup, type LaneEvent, type LaneLookup } from '../src/lane-lookup.ts'
import type { LateEvent } from '../src/lane-documents.ts'
import type { ParkedEvent } from '../src/parked-events.ts'
import { mongoProjectionStore } from '../src/projection-store.ts'
import { openDatabase, TOPIC, type TestDatabase } from './mongo-fixture.ts'

const BUILD = 'orders.v1'
const LANE = { projection: BUILD, topic: TOPIC, partition: 0 }

let database: TestDatabase
let lookup: LaneLookup

const parkedEvent = (sequence: number | null, key: string): ParkedEvent => ({
  ...{ sequence, offset: sequence ?? 99, timestamp: 0, key: Buffer.from(key), value: null },
  ...{ headers: {}, watermark: null, reason: { type: 'waits' } },
})
const lateEvent = (sequence: number, key: string): LateEvent => ({
  ...{ tenant: 'demo', key, eventId: `e-${sequence}`, type: 'OrderPlaced', sequence },
  ...{ occurredAt: 0, watermark: 9, closedAt: 8 },
})

// Partition 0 is at 10, partition 1 at 3, partition 2 was never read.
beforeAll(async () => {
  database = await openDatabase('lane-lookup')
  lookup = mongoLaneLookup(database.connection)
  const store = mongoProjectionStore(database.connection)
  const commit = async (partition: number, lastSequence: number, more: object): Promise<void> => {
    const id = { ...LANE, partition }
    const from = await store.claim(id, { owner: 'test', incarnation: 1 })
    const to = { ...from, nextOffset: lastSequence, lastSequence }
    expect(await store.commit(id, { from, to, writes: [], ...more })).toBe('applied')
  }
  await commit(0, 10, {
    parked: [parkedEvent(4, 'demo/o-1'), parkedEvent(6, 'demo/o-1'), parkedEvent(null, 'demo/o-2')],
    late: [lateEvent(5, '1997-01')],
  })
  await commit(1, 3, {})
})
afterAll(() => database.drop())

describe('a key', () => {
  const isParked = (parkingKey: string, upTo: number, lane = LANE) =>
    lookup.isParked(lane, { parkingKey, upTo })

  it('is parked from its first parked event on', async () => {
    expect(await Promise.all([3, 4, 5, 99, Infinity].map((upTo) => isParked('demo/o-1', upTo)))).toEqual([
      false,
      true,
      true,
      true,
      true,
    ])
  })

  it('of a record without a sequence is parked, and nobody knows since when', async () => {
    expect([await isParked('demo/o-2', 99), await isParked('demo/o-2', Infinity)]).toEqual([false, true])
  })

  it('is parked for its tenant, its partition and its build only', async () => {
    expect(await isParked('other/o-1', Infinity)).toBe(false)
    expect(await isParked('demo/o-1', Infinity, { ...LANE, partition: 1 })).toBe(false)
    expect(await isParked('demo/o-1', Infinity, { ...LANE, projection: 'orders.v1.1' })).toBe(false)
  })
})

describe('what became of an event', () => {
  const event = (sequence: number | undefined, more: Partial<LaneEvent> = {}): LaneEvent => ({
    ...{ topic: TOPIC, partition: 0, sequence, key: 'o-1', ...more },
  })

  it('is what its lane says', async () => {
    const events = [
      event(3),
      event(4),
      event(5),
      event(5, { key: '1997-01' }),
      event(10),
      event(11),
      event(undefined),
      event(4, { partition: 1 }),
      event(3, { partition: 1 }),
      event(1, { partition: 2 }),
    ]
    expect(await lookup.fatesOf(BUILD, events)).toEqual([
      ...[
        'applied',
        'parked',
        'applied',
        'late',
        'applied',
        'pending',
        'pending',
        'pending',
        'applied',
        'pending',
      ],
    ])
    expect(await lookup.fatesOf('orders.v1.1', events)).toEqual(events.map(() => 'pending'))
    expect(await lookup.fatesOf(BUILD, [])).toEqual([])
  })
})
