import { tombstonesTrustedMs } from '@millrace/events'
import { isSnapshotMarker, type KafkaRecord } from '@millrace/kafka'
import type { Checkpoint } from '@millrace/mongo'

type Before = Pick<Checkpoint, 'nextOffset' | 'lastTs'>

/** Whether tombstones may have come and gone since the last pass: then no record says any more that a key is gone. */
export const mayHaveMissedTombstones = ({ nextOffset, lastTs }: Before, nowMs: number): boolean =>
  nextOffset === 0 || lastTs === null || nowMs - lastTs > tombstonesTrustedMs

export type Records = AsyncIterable<readonly KafkaRecord[]>

/** Message keys that the snapshot has a value of, and of which the source has no record at all. */
export const findAbsent = async (snapshot: Records, source: () => Records): Promise<Set<string>> => {
  const absent = new Set<string>()
  for await (const records of snapshot)
    for (const record of records) {
      const { key, value } = record
      if (key === null || isSnapshotMarker(record)) continue
      if (value === null) absent.delete(key.toString())
      else absent.add(key.toString())
    }
  // Mostly there is no snapshot yet when somebody asks.
  if (absent.size === 0) return absent
  for await (const records of source()) for (const { key } of records) absent.delete(String(key))
  return absent
}
