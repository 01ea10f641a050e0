export { type Decider, type Decision, type Occurred, accept, fold, noOp, reject } from './decider.ts'
export { ImpossibleEventError } from './impossible-event.ts'
export {
  type AnyCommand,
  type AnyContext,
  type CommandOf,
  type Context,
  type InlineRule,
  type SnapshotPolicy,
  categoryOf,
  defineContext,
  streamOf,
} from './context.ts'
export { type InlineChange, inlineChangesOf } from './inline-changes.ts'
export { type AggregateRef, contexts, findContextByPath, inlineProjections, parseStream } from './contexts.ts'
export { idField, streamField, textField, timeField } from './fields.ts'
export {
  type OrderCommand,
  type OrderEvent,
  type OrderEventType,
  type OrderRejection,
  type OrderState,
  type OrderStatus,
  orders,
} from './orders/index.ts'
export {
  type ProductCommand,
  type ProductEvent,
  type ProductEventType,
  type ProductRejection,
  type ProductState,
  catalog,
} from './catalog/index.ts'
export {
  type HeartbeatBody,
  heartbeatBody,
  heartbeatReceived,
  processKeyOf,
  processStreamOf,
} from './processes/heartbeat.ts'
export {
  type AnyProjection,
  type Document,
  type FieldCondition,
  type FieldFilter,
  type Filter,
  type Index,
  type JsonValue,
  type Place,
  type ProjectedEvent,
  type Projection,
  type Sort,
  type ViewFilter,
  isFed,
  versionedName,
} from './projections/projection.ts'
export { defineGroupedProjection, defineProjection } from './projections/define-projection.ts'
export { type Sums, addExactly, addSums, sumsOf } from './projections/sums.ts'
export {
  type Session,
  type Window,
  dayOf,
  hopping,
  hourOf,
  mergeSessions,
  monthOf,
  tumbling,
} from './projections/windows.ts'
export { type AnyTable, type SnapshotEntry, type Table } from './tables/table.ts'
export { type ChangelogDocument, type ChangelogEntry, entryOf } from './tables/changelog.ts'
export { findTable, tables } from './tables/tables.ts'
export { defineTable } from './tables/define-table.ts'
export { type ProcessStateDocument, processState } from './tables/process-state.ts'
export { mergePartials } from './projections/merge-partials.ts'
export { type CommitIdentity, type CommittedEvent, toProjected } from './projections/to-projected.ts'
export {
  type ProjectionCode,
  findProjection,
  projections,
  shippedProjections,
} from './projections/projections.ts'
export {
  type OrderHistory,
  type OrderHistoryEntry,
  orderHistory,
} from './projections/orders/order-history.ts'
export { MAX_OPEN_ORDERS } from './orders/open-orders-rule.ts'
export { type OpenOrders, openOrders } from './projections/orders/open-orders.ts'
export { type ProductHistory, productHistory } from './projections/catalog/product-history.ts'
export { type CustomerDashboard, customerDashboard } from './projections/orders/customer-dashboard.ts'
export {
  type CustomerSessions,
  SESSION_GAP_MS,
  customerSessions,
} from './projections/orders/customer-sessions.ts'
export { type RevenueByDay, revenueByDay } from './projections/orders/revenue-by-day.ts'
export {
  PAYMENT_DUE_MS,
  type PaymentStatus,
  type PaymentWatch,
  paymentStatuses,
  paymentWatch,
} from './projections/orders/payment-watch.ts'
export { type ProductMetrics, productMetrics } from './projections/catalog/product-metrics.ts'
export { type OrderSummary, orderSummary } from './projections/orders/order-summary.ts'
export { type ProcessDocument, processes } from './projections/processes/processes.ts'
