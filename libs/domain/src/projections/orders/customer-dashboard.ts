import type { Money } from '@millrace/events'
import { type OrderEventType, orderEventTypes, orderTopic } from '../../orders/events.ts'
import { totalAmount } from '../../orders/totals.ts'
import { defineGroupedProjection } from '../define-projection.ts'
import type { ProjectedEvent } from '../projection.ts'
import { addSums, sumsOf, type Sums } from '../sums.ts'

/** What a customer has done, over all of the customer's orders. */
export type CustomerDashboard = {
  readonly customerId: string
  readonly placed: number
  readonly paid: number
  readonly shipped: number
  readonly delivered: number
  readonly cancelled: number
  readonly returned: number
  /** Of all orders as they were placed. */
  readonly ordered: Sums
  /** Paid, and neither cancelled nor returned since. */
  readonly spent: Sums
  readonly firstEventAt: number
  readonly lastEventAt: number
}

const counts = { placed: 0, paid: 0, shipped: 0, delivered: 0, cancelled: 0, returned: 0 } as const

type Change = Partial<Record<keyof typeof counts, 1>> & { readonly ordered?: Sums; readonly spent?: Sums }

const changeOf = (event: ProjectedEvent<OrderEventType>): Change => {
  switch (event.type) {
    case 'OrderPlaced':
      return { placed: 1, ordered: sumsOf(totalOf(event)) }
    case 'OrderPaid':
      return { paid: 1, spent: sumsOf(event.data.total) }
    case 'OrderShipped':
      return { shipped: 1 }
    case 'OrderDelivered':
      return { delivered: 1 }
    case 'OrderCancelled':
      return { cancelled: 1, spent: takenBack(event) }
    case 'OrderReturned':
      return { returned: 1, spent: takenBack(event) }
  }
}

const totalOf = ({ data }: ProjectedEvent<'OrderPlaced'>): Money => ({
  amount: totalAmount(data.lines),
  currency: data.currency,
})

const takenBack = ({ data }: ProjectedEvent<'OrderCancelled' | 'OrderReturned'>): Sums =>
  data.paidAt === null ? {} : sumsOf({ ...data.total, amount: -data.total.amount })

const partialOf = (event: ProjectedEvent<OrderEventType>): CustomerDashboard => ({
  customerId: event.data.customerId,
  ...counts,
  ordered: {},
  spent: {},
  ...changeOf(event),
  firstEventAt: event.occurredAt,
  lastEventAt: event.occurredAt,
})

const merge = (one: CustomerDashboard, other: CustomerDashboard): CustomerDashboard => ({
  customerId: one.customerId,
  placed: one.placed + other.placed,
  paid: one.paid + other.paid,
  shipped: one.shipped + other.shipped,
  delivered: one.delivered + other.delivered,
  cancelled: one.cancelled + other.cancelled,
  returned: one.returned + other.returned,
  ordered: addSums(one.ordered, other.ordered),
  spent: addSums(one.spent, other.spent),
  firstEventAt: Math.min(one.firstEventAt, other.firstEventAt),
  lastEventAt: Math.max(one.lastEventAt, other.lastEventAt),
})

export const customerDashboard = defineGroupedProjection({
  name: 'customer-dashboard',
  version: 'v1',
  sources: [orderTopic],
  events: orderEventTypes,
  placesOf: ({ data }) => [{ key: data.customerId }],
  partialOf,
  merge,
})
