import { describe, expect, it } from '@jest/globals'
import { orderSummary } from '@millrace/domain'
import { orderPaid, orderPlaced, recorded } from '@millrace/testkit'
import type { SourceRecord } from '../src/entry.ts'
import { foldBatch, placeEntries } from '../src/fold-batch.ts'

const record: SourceRecord = {
  offset: 0n,
  timestamp: 0,
  key: null,
  value: null,
  headers: {},
}

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
