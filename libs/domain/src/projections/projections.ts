import { openOrders } from './orders/open-orders.ts'
import { orderHistory } from './orders/order-history.ts'
import { orderSummary } from './orders/order-summary.ts'
import { processes } from './processes/processes.ts'
import type { AnyProjection } from './projection.ts'

export const projections: readonly AnyProjection[] = [orderSummary, orderHistory, openOrders, processes]

export const findProjection = (name: string): AnyProjection | null =>
  projections.find((projection) => projection.name === name) ?? null
