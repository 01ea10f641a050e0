import { detachRecord, newestOfKeys, recordBytes, type KafkaRecord } from '@millrace/kafka'

/** The newest record of each key since the last pass, by its message key. */
export type PendingValues = {
  add(records: readonly KafkaRecord[]): void
  readonly values: ReadonlyMap<string, KafkaRecord>
  /** What they take in memory, about. */
  bytes(): number
  /** When the oldest of them was written, UTC ms; undefined while there is none. */
  sinceMs(): number | undefined
  clear(): void
}

export const makePendingValues = (): PendingValues => {
  const values = new Map<string, KafkaRecord>()
  let bytes = 0
  let sinceMs: number | undefined
  return {
    values,
    add: (records) => {
      // Only what is left of a batch is copied.
      for (const [key, record] of newestOfKeys(records)) {
        const before = values.get(key)
        const own = detachRecord(record)
        values.set(key, own)
        bytes += recordBytes(own) - (before ? recordBytes(before) : 0)
        sinceMs = Math.min(sinceMs ?? Infinity, record.timestamp)
      }
    },
    bytes: () => bytes,
    sinceMs: () => sinceMs,
    clear: () => {
      values.clear()
      bytes = 0
      sinceMs = undefined
    },
  }
}
