/*
 * Is an order paid in time? No event says that a time has passed, so nothing can write it down when it happens. The
 * document says until when an order has to be paid, and the reader's clock says the rest: `view` computes the status
 * of one document, and the filter asks MongoDB for what makes that status. The two must agree.
 */
import type { Money } from '@millrace/events'
import { impossible } from '../../impossible-event.ts'
import { type OrderEventType, orderEventTypes, orderTopic } from '../../orders/events.ts'
import { orderLifecycle, predecessorOf } from '../../orders/lifecycle.ts'
import type { OrderStatus } from '../../orders/state.ts'
import { totalAmount } from '../../orders/totals.ts'
import { defineProjection } from '../define-projection.ts'
import type { FieldCondition, ProjectedEvent } from '../projection.ts'

export type PaymentWatch = {
  readonly orderId: string
  readonly customerId: string
  readonly total: Money
  readonly placedAt: number
  /** The last instant at which a payment is in time. */
  readonly dueAt: number
  readonly paidAt: number | null
  readonly cancelledAt: number | null
  readonly payment: 'open' | 'paid' | 'paid-late' | 'cancelled'
  /** Which events may follow depends on it. */
  readonly orderStatus: Exclude<OrderStatus, 'absent'>
  /** Of the order, after the last event folded in. */
  readonly version: number
}

export type PaymentStatus = 'waiting' | 'overdue' | Exclude<PaymentWatch['payment'], 'open'>

export const PAYMENT_DUE_MS = 30 * 60_000

export const paymentStatuses = [
  'waiting',
  'overdue',
  'paid',
  'paid-late',
  'cancelled',
] as const satisfies readonly PaymentStatus[]

type LaterType = Exclude<OrderEventType, 'OrderPlaced'>

const evolve = (document: PaymentWatch | null, event: ProjectedEvent<OrderEventType>): PaymentWatch => {
  if (event.type === 'OrderPlaced') {
    return document === null ? watch(event) : impossible(event, document.orderStatus)
  }
  if (document === null) return impossible(event, 'absent')
  predecessorOf(event, { status: document.orderStatus })
  const orderStatus = orderLifecycle[event.type].to
  return { ...document, ...changeOf(document, event), orderStatus, version: event.version }
}

const watch = ({ key, version, occurredAt, data }: ProjectedEvent<'OrderPlaced'>): PaymentWatch => ({
  orderId: key,
  customerId: data.customerId,
  total: { amount: totalAmount(data.lines), currency: data.currency },
  placedAt: occurredAt,
  dueAt: occurredAt + PAYMENT_DUE_MS,
  paidAt: null,
  cancelledAt: null,
  payment: 'open',
  orderStatus: 'placed',
  version,
})

const changeOf = (
  { dueAt }: PaymentWatch,
  { type, occurredAt }: ProjectedEvent<LaterType>,
): Partial<PaymentWatch> => {
  switch (type) {
    case 'OrderPaid':
      return { paidAt: occurredAt, payment: occurredAt <= dueAt ? 'paid' : 'paid-late' }
    case 'OrderCancelled':
      return { cancelledAt: occurredAt, payment: 'cancelled' }
    case 'OrderShipped':
    case 'OrderDelivered':
    case 'OrderReturned':
      return {}
  }
}

const statusOf = ({ payment, dueAt }: PaymentWatch, nowMs: number): PaymentStatus => {
  if (payment !== 'open') return payment
  return nowMs <= dueAt ? 'waiting' : 'overdue'
}

const conditionsOf = (status: string, nowMs: number): FieldCondition<'payment' | 'dueAt'>[] => {
  const open = { field: 'payment', is: 'open' } as const
  switch (status) {
    case 'waiting':
      return [open, { field: 'dueAt', from: nowMs }]
    case 'overdue':
      return [open, { field: 'dueAt', below: nowMs }]
    default:
      return [{ field: 'payment', is: status }]
  }
}

export const paymentWatch = defineProjection({
  name: 'payment-watch',
  version: 'v1',
  sources: [orderTopic],
  events: orderEventTypes,
  evolve,
  view: (document, nowMs) => ({ ...document, status: statusOf(document, nowMs) }),
  indexes: [{ dueAt: 1 }, { payment: 1, dueAt: 1 }, { customerId: 1, dueAt: 1 }],
  filters: {
    status: { operator: 'view', type: 'enum', values: paymentStatuses, conditions: conditionsOf },
    customerId: { field: 'customerId', operator: 'eq', type: 'string' },
    dueFrom: { field: 'dueAt', operator: 'gte', type: 'time' },
    dueTo: { field: 'dueAt', operator: 'lt', type: 'time' },
  },
  sorts: { dueAt: { field: 'dueAt', type: 'time' } },
})
