import type { EventDataByType, EventType } from './event-type.ts'

/** A fact as a decider returns it. */
export type DomainEvent<T extends EventType = EventType> = {
  readonly [K in T]: { readonly type: K; readonly data: EventDataByType[K] }
}[T]

/** Everything about a recorded event but its type and data. */
export type EventIdentity = {
  /** UUIDv7. */
  readonly id: string
  readonly tenant: string
  /** `<context>.<aggregate>-<id>`, for example orders.order-o-17. */
  readonly stream: string
  /** Id of the aggregate, for example o-17. */
  readonly key: string
  /** 1, 2, 3 … without gaps within a stream. */
  readonly version: number
  /** UTC milliseconds. */
  readonly occurredAt: number
  readonly correlationId: string
  readonly causationId: string
  readonly actor: string
  /** Gap-free number within the topic partition; the offset on topics that the relay does not publish. */
  readonly sequence: number
}

/** A fact as the log has it. */
export type RecordedEvent<T extends EventType = EventType> = DomainEvent<T> & EventIdentity
