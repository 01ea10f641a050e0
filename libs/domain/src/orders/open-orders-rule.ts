import type { InlineRule } from '../context.ts'
import { openOrders } from '../projections/orders/open-orders.ts'

/** A customer with this many unpaid orders pays or cancels one before placing the next. */
export const MAX_OPEN_ORDERS = 10_000

export const openOrdersRule: InlineRule = {
  projection: openOrders,
  refuse: (document, event) =>
    event.type === 'OrderPlaced' && Number(document?.['open'] ?? 0) >= MAX_OPEN_ORDERS
      ? 'too-many-open-orders'
      : null,
}
