import { describe, it } from '@jest/globals'
import { type OrderEvent, revenueByDay } from '@millrace/domain'
import type { Money } from '@millrace/events'
import {
  givenEvents,
  orderCancelled,
  orderPaid,
  orderPlaced,
  orderReturned,
  recordedStream,
} from '@millrace/testkit'

const hour = (day: number, hours: number) => Date.UTC(2026, 0, day, hours)
const eur = (amount: number): Money => ({ amount, currency: 'EUR' })
const chf = (amount: number): Money => ({ amount, currency: 'CHF' })

const paid = (total: Money, paidAt: number) => ({ ...orderPaid({ total }), occurredAt: paidAt })
const cancelled = (total: Money, paidAt: number | null, occurredAt: number) => ({
  ...orderCancelled({ total, paidAt }),
  occurredAt,
})
const returned = (total: Money, paidAt: number, occurredAt: number) => ({
  ...orderReturned({ total, paidAt }),
  occurredAt,
})
const given = (...events: (OrderEvent & { occurredAt?: number })[]) =>
  givenEvents(revenueByDay, recordedStream<OrderEvent>(events))

const firstDay = { day: '2026-01-01', payments: 1, cancellations: 0, returns: 0 }

describe('revenue-by-day', () => {
  it('adds up the payments of a day in UTC, by currency', () => {
    given(
      paid(eur(100), hour(1, 0)),
      paid(chf(50), hour(1, 12)),
      paid(eur(10), hour(2, 0) - 1),
      paid(eur(7), hour(2, 0)),
    ).thenDocuments({
      'demo/2026-01-01': { ...firstDay, revenue: { CHF: 50, EUR: 110 }, payments: 3 },
      'demo/2026-01-02': { ...firstDay, day: '2026-01-02', revenue: { EUR: 7 } },
    })
  })

  it('takes what is given back from the day on which it was paid', () => {
    given(
      paid(eur(100), hour(1, 9)),
      paid(eur(30), hour(1, 9)),
      paid(eur(5), hour(2, 9)),
      cancelled(eur(100), hour(1, 9), hour(2, 9)),
      returned(eur(30), hour(1, 9), hour(20, 9)),
    ).thenDocuments({
      'demo/2026-01-01': { day: '2026-01-01', revenue: {}, payments: 2, cancellations: 1, returns: 1 },
      'demo/2026-01-02': { ...firstDay, day: '2026-01-02', revenue: { EUR: 5 } },
    })
  })

  it('has the right days when an import brings them out of order', () => {
    given(
      returned(eur(100), hour(1, 9), hour(9, 9)),
      paid(eur(5), hour(2, 9)),
      paid(eur(100), hour(1, 9)),
      paid(eur(8), hour(1, 10)),
    ).thenDocuments({
      'demo/2026-01-01': { ...firstDay, revenue: { EUR: 8 }, payments: 2, returns: 1 },
      'demo/2026-01-02': { ...firstDay, day: '2026-01-02', revenue: { EUR: 5 } },
    })
  })

  it('knows nothing of orders that were not paid', () => {
    given(orderPlaced(), cancelled(eur(100), null, hour(1, 9))).thenDocument(null)
  })

  it('counts a payment of nothing', () => {
    given(paid(eur(0), hour(1, 9))).thenDocument({ ...firstDay, revenue: {} })
    given(paid(eur(0), hour(1, 9)), returned(eur(0), hour(1, 9), hour(2, 9))).thenDocument({
      ...firstDay,
      revenue: {},
      returns: 1,
    })
  })
})
