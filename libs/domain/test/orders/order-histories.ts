import type { OrderCommand, OrderEvent, OrderStatus } from '@millrace/domain'
import {
  orderCancelled,
  orderDelivered,
  orderPaid,
  orderPlaced,
  orderReturned,
  orderShipped,
} from '@millrace/testkit'

/** Of every command given here, UTC ms. */
export const COMMAND_AT_MS = Date.UTC(2026, 5, 1)

type BodyOf<Type extends OrderCommand['type']> = Extract<OrderCommand, { type: Type }>['body']

export const order = <Type extends OrderCommand['type']>(type: Type, body: BodyOf<Type>) => ({
  type,
  id: 'o-1',
  at: COMMAND_AT_MS,
  body,
})

/** The shortest life that leads to each status. */
export const orderHistories: Readonly<Record<OrderStatus, readonly OrderEvent[]>> = {
  absent: [],
  placed: [orderPlaced()],
  paid: [orderPlaced(), orderPaid()],
  shipped: [orderPlaced(), orderPaid(), orderShipped()],
  delivered: [orderPlaced(), orderPaid(), orderShipped(), orderDelivered()],
  cancelled: [orderPlaced(), orderCancelled()],
  returned: [orderPlaced(), orderPaid(), orderShipped(), orderDelivered(), orderReturned()],
}
