import { type OrderEventType, orderEventTypes, orderTopic } from '../../orders/events.ts'
import { defineGroupedProjection } from '../define-projection.ts'
import type { ProjectedEvent } from '../projection.ts'
import { type Session, mergeSessions, monthOf } from '../windows.ts'

/** When a customer was active, in order. */
export type CustomerSessions = { readonly customerId: string; readonly sessions: readonly Session[] }

/** An event up to half an hour behind the one before, and no later, belongs to the same session. */
export const SESSION_GAP_MS = 30 * 60_000

const partialOf = ({ data, occurredAt }: ProjectedEvent<OrderEventType>): CustomerSessions => ({
  customerId: data.customerId,
  sessions: [{ from: occurredAt, to: occurredAt, events: 1 }],
})

const merge = (one: CustomerSessions, other: CustomerSessions): CustomerSessions => ({
  customerId: one.customerId,
  sessions: mergeSessions([...one.sessions, ...other.sessions], SESSION_GAP_MS),
})

/**
 * A session window in event time, with unlimited grace: an event between two sessions makes them one. A month of a
 * customer is one partial, in which 31 days of gaps leave room for 1,488 sessions and no more; a session that goes on
 * into the next month is put together by `merge`.
 */
export const customerSessions = defineGroupedProjection({
  name: 'customer-sessions',
  version: 'v1',
  sources: [orderTopic],
  events: orderEventTypes,
  placesOf: ({ data, occurredAt }) => [{ key: data.customerId, part: monthOf(occurredAt) }],
  partialOf,
  merge,
})
