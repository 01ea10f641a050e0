import { orderTopic } from '../../orders/events.ts'
import { defineGroupedProjection } from '../define-projection.ts'
import type { Place, ProjectedEvent } from '../projection.ts'
import { addSums, sumsOf, type Sums } from '../sums.ts'
import { dayOf } from '../windows.ts'

/** What came in by the orders that were paid on one day (UTC), without what was given back later. */
export type RevenueByDay = {
  /** `1997-01-31`. */
  readonly day: string
  readonly revenue: Sums
  readonly payments: number
  readonly cancellations: number
  readonly returns: number
}

type HandledEvent = ProjectedEvent<'OrderPaid' | 'OrderCancelled' | 'OrderReturned'>

/** Null for an order that was never paid. */
const paidAtOf = (event: HandledEvent): number | null =>
  event.type === 'OrderPaid' ? event.occurredAt : event.data.paidAt

const placesOf = (event: HandledEvent): readonly Place[] => {
  const paidAt = paidAtOf(event)
  return paidAt === null ? [] : [{ key: dayOf(paidAt) }]
}

const partialOf = ({ type, data: { total } }: HandledEvent, { key }: Place): RevenueByDay => ({
  day: key,
  revenue: sumsOf(type === 'OrderPaid' ? total : { ...total, amount: -total.amount }),
  payments: type === 'OrderPaid' ? 1 : 0,
  cancellations: type === 'OrderCancelled' ? 1 : 0,
  returns: type === 'OrderReturned' ? 1 : 0,
})

const merge = (one: RevenueByDay, other: RevenueByDay): RevenueByDay => ({
  day: one.day,
  revenue: addSums(one.revenue, other.revenue),
  payments: one.payments + other.payments,
  cancellations: one.cancellations + other.cancellations,
  returns: one.returns + other.returns,
})

/**
 * A tumbling window of a day in event time, with unlimited grace: real imports are out of order. What is given back
 * corrects the day on which it was paid, however long ago.
 */
export const revenueByDay = defineGroupedProjection({
  name: 'revenue-by-day',
  version: 'v1',
  sources: [orderTopic],
  events: ['OrderPaid', 'OrderCancelled', 'OrderReturned'],
  placesOf,
  partialOf,
  merge,
})
