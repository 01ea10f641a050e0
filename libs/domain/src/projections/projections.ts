import { productHistory } from './catalog/product-history.ts'
import { productMetrics } from './catalog/product-metrics.ts'
import { customerDashboard } from './orders/customer-dashboard.ts'
import { customerSessions } from './orders/customer-sessions.ts'
import { revenueByDay } from './orders/revenue-by-day.ts'
import { openOrders } from './orders/open-orders.ts'
import { orderHistory } from './orders/order-history.ts'
import { orderSummary } from './orders/order-summary.ts'
import { paymentWatch } from './orders/payment-watch.ts'
import { processes } from './processes/processes.ts'
import { processesV1 } from './processes/processes-v1.ts'
import type { AnyProjection } from './projection.ts'

/** The newest version of each. */
export const projections: readonly AnyProjection[] = [
  orderSummary,
  orderHistory,
  paymentWatch,
  customerDashboard,
  revenueByDay,
  customerSessions,
  productMetrics,
  productHistory,
  openOrders,
  processes,
]

/**
 * Versions before the newest. One stays here until its builds are dropped: while a new version is built, compared and
 * switched to, the old one is read and fed.
 */
export const formerProjections: readonly AnyProjection[] = [processesV1]

export const findProjection = (name: string): AnyProjection | null =>
  projections.find((projection) => projection.name === name) ?? null

/** The folds that a process has. */
export type ProjectionCode = {
  /** Null for a name that there is not. */
  newest(this: void, name: string): AnyProjection | null
  version(this: void, name: string, version: string): AnyProjection | null
}

export const shippedProjections: ProjectionCode = {
  newest: findProjection,
  version: (name, version) =>
    [...projections, ...formerProjections].find(
      (projection) => projection.name === name && projection.version === version,
    ) ?? null,
}
