import type { AnyContext } from '@millrace/domain'

/** A command as the HTTP layer hands it over: parsed, authorised, not yet decided. */
export type CommandRequest = {
  readonly context: AnyContext
  readonly id: string
  readonly name: string
  readonly body: unknown
  readonly tenant: string
  readonly principal: string
  /** Route template, part of the idempotency key's scope. */
  readonly route: string
  readonly idempotencyKey: string
  /** Hash of path and body; the same key with another fingerprint is a client's mistake. */
  readonly fingerprint: string
  /** From If-Match: the versions it allows, or any existing one. */
  readonly precondition: Precondition | undefined
  /** UTC ms; undefined means now. */
  readonly occurredAt: number | undefined
  readonly correlationId: string
  readonly causationId: string
  readonly traceparent: string | undefined
}

export type Precondition =
  { readonly type: 'exists' } | { readonly type: 'versions'; readonly versions: readonly number[] }

export type AcceptedBody = {
  readonly stream: string
  readonly version: number
  readonly events: readonly { readonly id: string; readonly type: string; readonly version: number }[]
  readonly position?: string
}

export type CommandOutcome =
  | { readonly type: 'accepted'; readonly body: AcceptedBody; readonly replayed: boolean }
  | {
      readonly type: 'rejected'
      readonly rejection: string
      readonly stream: string
      readonly replayed: boolean
    }
  | { readonly type: 'key-reused' }
  | { readonly type: 'precondition-failed'; readonly currentVersion: number }
  | { readonly type: 'conflict'; readonly currentVersion: number }
  | { readonly type: 'events-too-large'; readonly bytes: number }
