import type { Binary } from 'mongodb'
import type { CheckpointId } from './documents.ts'

/** Why a record is parked: what is wrong with itself, or that its key has something parked already. */
export type ParkedReason =
  | {
      readonly type: 'poison'
      readonly error: string
      readonly message: string
      readonly stack: string | null
    }
  | { readonly type: 'waits' }

/** A record that a lane could not apply, as it was; see parked-events.ts. */
export type ParkedEventDocument = CheckpointId & {
  readonly _id: string
  /** The message key as text; null parks nothing but this record. */
  readonly parkingKey: string | null
  readonly sequence: number | null
  readonly incarnation: number
  readonly offset: number
  readonly timestamp: number
  readonly key: Binary | null
  readonly value: Binary | null
  readonly headers: readonly { readonly name: string; readonly value: Binary }[]
  readonly watermark: number | null
  readonly reason: ParkedReason
  readonly parkedAt: Date
}

/** An event that came after the grace of its window had ended, by the watermark before it: it is in no document. */
export type LateEvent = {
  readonly tenant: string
  readonly key: string
  readonly eventId: string
  readonly type: string
  readonly sequence: number
  readonly occurredAt: number
  readonly watermark: number
  readonly closedAt: number
}

export type LateEventDocument = CheckpointId & LateEvent & { readonly _id: string; readonly keptAt: Date }
