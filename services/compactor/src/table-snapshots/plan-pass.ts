import type { KafkaRecord } from '@millrace/kafka'

/** What is known when a pass may begin. */
export type Standing = {
  /** The newest record of each key that came since the last pass, by message key. */
  readonly values: ReadonlyMap<string, KafkaRecord>
  /** Keys that the snapshot has and the source has not, not even a tombstone. */
  readonly absent: ReadonlySet<string>
}

/** A key whose value is null has no last value any more. */
export type Write = { readonly key: string; readonly record: KafkaRecord | null }

/** What a pass writes: of each key its newest value only, in the order of the source; keys that are gone come first. */
export const planPass = ({ values, absent }: Standing): Write[] => {
  const gone = [...absent].filter((key) => !values.has(key)).map((key) => ({ key, record: null }))
  const changed = [...values].map(([key, record]) => ({ key, record }))
  return [...gone, ...changed.toSorted((left, right) => Number(left.record.offset - right.record.offset))]
}

type Clock = { readonly nowMs: number; readonly lastPassMs: number; readonly atLeastEveryMs: number }

/**
 * Whether a pass is worth its while. When nothing changes there is one now and then all the same: a snapshot that is older
 * than tombstones are kept for is nothing that anybody may begin with.
 */
export const isPassDue = (
  { values, absent }: Standing,
  { nowMs, lastPassMs, atLeastEveryMs }: Clock,
): boolean => values.size > 0 || absent.size > 0 || nowMs - lastPassMs >= atLeastEveryMs
