import { describe, expect, it } from '@jest/globals'
import { orderSummary, processes, processState, type Document } from '@millrace/domain'
import { heartbeat, orderPaid, orderPlaced, recorded } from '@millrace/testkit'
import type { Entry, SourceRecord } from '../src/entry.ts'
import { foldBatch, placeEntries } from '../src/fold-batch.ts'

const record: SourceRecord = {
  offset: 0n,
  timestamp: 0,
  key: null,
  value: null,
  headers: {},
}

const keyed: SourceRecord = { ...record, key: Buffer.from('demo/m-1:node:4711') }

describe('a batch of two tenants with the same ids', () => {
  it('becomes documents of each, with the tenant in their ids', () => {
    const place = { key: 'o-1', version: 1, sequence: 1 }
    const events = [
      recorded(orderPlaced(), { ...place, tenant: 'acme' }),
      recorded(orderPlaced(), { ...place, tenant: 'other', sequence: 2 }),
      recorded(orderPaid(), { ...place, tenant: 'other', version: 2, sequence: 3 }),
    ]
    const entries = placeEntries(
      orderSummary,
      { topic: 'orders.order.events', partition: 0 },
      events.map((event) => ({ type: 'event', record, event, sequence: event.sequence, watermark: null })),
    )
    const { writes } = foldBatch({ projection: orderSummary, stored: new Map() }, entries)
    expect(
      writes.map(({ tenant, id, sequence, fields }) => [tenant, id, sequence, fields?.['status']]),
    ).toEqual([
      ['acme', 'acme/o-1', 1, 'placed'],
      ['other', 'other/o-1', 3, 'paid'],
    ])
  })
})

describe('a tombstone', () => {
  const shard = { topic: 'process.state', partition: 0 } as const
  const key = 'm-1:node:4711'
  const id = `demo/${key}`
  const state = processState.evolve(null, recorded(heartbeat()), 0)
  const value = (sequence: number): Entry => ({
    ...{ type: 'event', record, sequence, watermark: null },
    event: recorded(processState.publish(state), { key, sequence }),
  })
  const tombstone = (sequence: number): Entry => ({
    ...{ type: 'tombstone', record, sequence, watermark: null },
    ...{ tenant: 'demo', key },
  })
  const fold = (stored: ReadonlyMap<string, Document>, ...entries: readonly Entry[]) =>
    foldBatch({ projection: processes, stored }, placeEntries(processes, shard, entries)).writes

  const kept = new Map([[id, { key }]])

  it('deletes the document of its key', () => {
    expect(fold(kept, tombstone(7))).toEqual([{ id, tenant: 'demo', sequence: 7, fields: null }])
  })

  it('of a key that nobody knows, or that came in the same batch, is nothing', () => {
    expect(fold(new Map(), tombstone(7))).toEqual([])
    expect(fold(new Map(), value(6), tombstone(7))).toEqual([])
  })

  it('is forgotten when a value comes after it', () => {
    expect(fold(kept, value(6), tombstone(7), value(8))).toMatchObject([{ id, sequence: 8, fields: { key } }])
  })

  it('waits behind what is parked of its key', () => {
    const poison: Entry = { type: 'poison', record: keyed, sequence: 6, watermark: null, error: new Error() }
    const folding = foldBatch(
      { projection: processes, stored: kept },
      placeEntries(processes, shard, [poison, { ...tombstone(7), record: keyed }]),
    )
    expect([folding.writes, folding.parked.map(({ reason }) => reason.type)]).toEqual([
      [],
      ['poison', 'waits'],
    ])
  })
})
