import type { AggregateRef } from '@millrace/aggregates'
import type { Decision } from '@millrace/domain'
import type { DomainEvent } from '@millrace/events'

/** An event as somebody wants to write it; what is missing is filled in. */
export type ProposedEvent = DomainEvent & {
  readonly id?: string
  /** UTC ms. */
  readonly occurredAt?: number
  readonly metadata?: Readonly<Record<string, string>>
}

/** A command or an append as the HTTP layer hands it over: parsed, authorised, not yet decided. */
export type WriteRequest = AggregateRef & {
  /** What it comes to on a state of the aggregate; `at` in UTC ms. Pure. */
  readonly decide: (state: unknown, at: number) => Decision<ProposedEvent>
  readonly principal: string
  /** Route template, part of the idempotency key's scope. */
  readonly route: string
  readonly idempotencyKey: string
  /** Hash of path and body; the same key with another fingerprint is a client's mistake. */
  readonly fingerprint: string
  /** From If-Match, If-None-Match or Expected-Version. */
  readonly precondition: Precondition | undefined
  /** UTC ms; undefined means now. */
  readonly occurredAt: number | undefined
  readonly correlationId: string
  readonly causationId: string
  readonly traceparent: string | undefined
}

/** What the aggregate has to be like: existing at all, or at one of these versions (0: without events). */
export type Precondition =
  { readonly type: 'exists' } | { readonly type: 'versions'; readonly versions: readonly number[] }

export type AcceptedBody = {
  readonly stream: string
  readonly version: number
  readonly events: readonly { readonly id: string; readonly type: string; readonly version: number }[]
  readonly position?: string
}

export type WriteOutcome =
  | { readonly type: 'accepted'; readonly body: AcceptedBody; readonly replayed: boolean }
  | {
      readonly type: 'rejected'
      readonly rejection: string
      readonly stream: string
      readonly replayed: boolean
    }
  | { readonly type: 'key-reused' }
  /** The first request under this key has not been answered yet. */
  | { readonly type: 'still-running' }
  | { readonly type: 'precondition-failed'; readonly currentVersion: number }
  | { readonly type: 'conflict'; readonly currentVersion: number }
  | { readonly type: 'events-too-large'; readonly bytes: number }
  /** The aggregate's own fold cannot have the event at this place of the request. */
  | { readonly type: 'impossible'; readonly index: number; readonly reason: string }
