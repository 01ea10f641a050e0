import type { Money } from '@millrace/events'
import { impossible } from '../../impossible-event.ts'
import { type OrderEventType, orderEventTypes, orderTopic } from '../../orders/events.ts'
import { orderLifecycle, predecessorOf } from '../../orders/lifecycle.ts'
import { type OrderStatus, orderStatuses } from '../../orders/state.ts'
import { totalAmount, totalQuantity } from '../../orders/totals.ts'
import { defineProjection } from '../define-projection.ts'
import type { ProjectedEvent } from '../projection.ts'

export type OrderSummary = {
  readonly orderId: string
  readonly customerId: string
  readonly status: Exclude<OrderStatus, 'absent'>
  readonly total: Money
  readonly lineCount: number
  readonly quantity: number
  readonly placedAt: number
  readonly paidAt?: number
  readonly shippedAt?: number
  readonly deliveredAt?: number
  readonly cancelledAt?: number
  readonly returnedAt?: number
  /** Of the order, after the last event folded in. */
  readonly version: number
}

type LaterType = Exclude<OrderEventType, 'OrderPlaced'>

const evolve = (document: OrderSummary | null, event: ProjectedEvent<OrderEventType>): OrderSummary => {
  switch (event.type) {
    case 'OrderPlaced':
      return document === null ? summarise(event) : impossible(event, document.status)
    case 'OrderPaid':
      return advance(document, event, { paidAt: event.occurredAt })
    case 'OrderShipped':
      return advance(document, event, { shippedAt: event.occurredAt })
    case 'OrderDelivered':
      return advance(document, event, { deliveredAt: event.occurredAt })
    case 'OrderCancelled':
      return advance(document, event, { cancelledAt: event.occurredAt })
    case 'OrderReturned':
      return advance(document, event, { returnedAt: event.occurredAt })
  }
}

const summarise = ({ key, version, occurredAt, data }: ProjectedEvent<'OrderPlaced'>): OrderSummary => ({
  orderId: key,
  customerId: data.customerId,
  status: 'placed',
  total: { amount: totalAmount(data.lines), currency: data.currency },
  lineCount: data.lines.length,
  quantity: totalQuantity(data.lines),
  placedAt: occurredAt,
  version,
})

const advance = (
  document: OrderSummary | null,
  event: ProjectedEvent<LaterType>,
  change: Partial<OrderSummary>,
): OrderSummary => {
  if (document === null) return impossible(event, 'absent')
  const before = predecessorOf(event, document)
  return { ...before, ...change, status: orderLifecycle[event.type].to, version: event.version }
}

export const orderSummary = defineProjection({
  name: 'order-summary',
  version: 'v1',
  sources: [orderTopic],
  events: orderEventTypes,
  evolve,
  indexes: [
    { placedAt: 1 },
    { 'total.amount': 1 },
    { status: 1, placedAt: 1 },
    { status: 1, 'total.amount': 1 },
    { customerId: 1, placedAt: 1 },
    { customerId: 1, 'total.amount': 1 },
  ],
  filters: {
    status: { field: 'status', operator: 'eq', type: 'enum', values: orderStatuses },
    customerId: { field: 'customerId', operator: 'eq', type: 'string' },
    placedAtFrom: { field: 'placedAt', operator: 'gte', type: 'time' },
    placedAtTo: { field: 'placedAt', operator: 'lt', type: 'time' },
  },
  sorts: {
    placedAt: { field: 'placedAt', type: 'time' },
    // By minor units whatever the currency: an order of amounts, not of worth.
    total: { field: 'total.amount', type: 'number' },
  },
})
