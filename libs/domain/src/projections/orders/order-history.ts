/*
 * Everything that happened to one order, in order. Nothing bounds the list but the order's own life, which the
 * lifecycle keeps to five events; a context whose streams grow without end must not copy this model, for each event
 * would write the whole document again and in the end outgrow what MongoDB stores (16 MiB).
 */
import { impossible } from '../../impossible-event.ts'
import { type OrderEventType, orderEventTypes, orderTopic } from '../../orders/events.ts'
import { defineProjection } from '../define-projection.ts'
import type { JsonValue, ProjectedEvent } from '../projection.ts'

export type OrderHistoryEntry = {
  readonly version: number
  readonly type: OrderEventType
  readonly at: number
  readonly eventId: string
  readonly actor: string
  /** The event's own fields. */
  readonly detail: JsonValue
}

export type OrderHistory = {
  readonly orderId: string
  readonly entries: readonly OrderHistoryEntry[]
}

const evolve = (document: OrderHistory | null, event: ProjectedEvent<OrderEventType>): OrderHistory => {
  if (document === null && event.type !== 'OrderPlaced') return impossible(event, 'absent')
  if (document !== null && event.type === 'OrderPlaced') return impossible(event, 'placed')
  return { orderId: event.key, entries: [...(document?.entries ?? []), entryOf(event)] }
}

const entryOf = (event: ProjectedEvent<OrderEventType>): OrderHistoryEntry => ({
  version: event.version,
  type: event.type,
  at: event.occurredAt,
  eventId: event.id,
  actor: event.actor,
  detail: event.data,
})

export const orderHistory = defineProjection({
  name: 'order-history',
  version: 'v1',
  sources: [orderTopic],
  events: orderEventTypes,
  evolve,
  indexes: [],
  filters: {},
  sorts: {},
})
