import { describe, it } from '@jest/globals'
import { type OrderEvent, orderHistory } from '@millrace/domain'
import { givenEvents, orderPaid, orderPlaced, orderShipped, recordedStream } from '@millrace/testkit'

const historyOf = (...events: OrderEvent[]) =>
  recordedStream<OrderEvent>(events, { key: 'o-1', actor: 'ann' })

describe('order-history', () => {
  it('lists what happened, in order, with who did it', () => {
    const events = historyOf(orderPlaced(), orderPaid(), orderShipped())
    givenEvents(orderHistory, events).thenDocument({
      orderId: 'o-1',
      entries: events.map(({ id, version, type, occurredAt, data }) => ({
        version,
        type,
        at: occurredAt,
        eventId: id,
        actor: 'ann',
        detail: data,
      })),
    })
  })

  it('refuses to begin in the middle', () => {
    givenEvents(orderHistory, historyOf(orderPaid())).thenImpossible()
  })

  it('refuses to begin twice', () => {
    givenEvents(orderHistory, historyOf(orderPlaced(), orderPlaced())).thenImpossible()
  })
})
