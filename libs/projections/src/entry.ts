import type { RecordedEvent } from '@millrace/events'

/** What is kept of a record that cannot be applied. */
export type SourceRecord = {
  readonly offset: bigint
  /** UTC ms: when the event was committed. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | string | undefined>>
}

/** One record of the log that a projection has to do with. */
export type Entry = {
  readonly record: SourceRecord
  /** Null of a record that the relay has not numbered. */
  readonly sequence: number | null
  /** Of the partition before this record. */
  readonly watermark: number | null
} & (
  | { readonly type: 'event'; readonly event: RecordedEvent }
  /** Of a compacted topic: its key is no more. */
  | { readonly type: 'tombstone'; readonly tenant: string; readonly key: string }
  /** No retry will make it readable. */
  | { readonly type: 'poison'; readonly error: Error }
  /** Its key has something parked: it is not even decoded. */
  | { readonly type: 'waits' }
)

/** An event cannot move the watermark further than this beyond its commit: the clock of one writer was wrong. */
const MAX_AHEAD_OF_COMMIT_MS = 60 * 60_000

/** Largest event time of a partition so far, UTC ms; `committedAt` is the timestamp of the event's record. */
export const watermarkAfter = (
  before: number | null,
  { occurredAt, committedAt }: { occurredAt: number; committedAt: number },
): number => Math.max(before ?? 0, Math.min(occurredAt, committedAt + MAX_AHEAD_OF_COMMIT_MS))
