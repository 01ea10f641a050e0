import { describe, expect, it } from '@jest/globals'
import { defineGroupedProjection, orderSummary } from '@millrace/domain'
import { deliver, emptyReadModel, orderPaid, orderPlaced, recordedStream } from '@millrace/testkit'

const events = recordedStream([orderPlaced(), orderPaid()], { key: 'o-1', sequence: 40 })

describe('the delivery of events', () => {
  it('remembers the last sequence', () => {
    expect(deliver(orderSummary, emptyReadModel, events).lastSequence).toBe(41)
  })

  it('drops what was delivered before', () => {
    const once = deliver(orderSummary, emptyReadModel, events)
    expect(deliver(orderSummary, once, events)).toEqual(once)
  })

  it('leaves the read model it began with alone', () => {
    const placed = deliver(orderSummary, emptyReadModel, events.slice(0, 1))
    deliver(orderSummary, placed, events)
    expect(placed.documents.get('demo/o-1')?.status).toBe('placed')
  })

  it('stops at a jump', () => {
    const placed = deliver(orderSummary, emptyReadModel, events.slice(0, 1))
    const later = recordedStream([orderPaid()], { key: 'o-1', version: 2, sequence: 42 })
    expect(() => deliver(orderSummary, placed, later)).toThrow('Sequence 42 after 40')
  })

  it('keeps the parts of a document and shows the whole', () => {
    const byVersion = defineGroupedProjection({
      name: 'by-version',
      version: 'v1',
      sources: ['orders.order.events'],
      events: ['OrderPlaced', 'OrderPaid'],
      placesOf: ({ version }) => [{ key: 'all', part: `v${version}` }],
      partialOf: () => ({ count: 1 }),
      merge: (one, other) => ({ count: one.count + other.count }),
    })
    const { documents, partials } = deliver(byVersion, emptyReadModel, events)
    expect([...documents]).toEqual([['demo/all', { count: 2 }]])
    expect([...(partials.get('demo/all') ?? [])]).toEqual([
      ['v1', { count: 1 }],
      ['v2', { count: 1 }],
    ])
  })
})
