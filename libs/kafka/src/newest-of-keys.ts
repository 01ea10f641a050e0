import type { KafkaRecord } from './lane-source.ts'

/** Of each key the last of these records, by message key as text. One without a key is nobody's value. */
export const newestOfKeys = (records: readonly KafkaRecord[]): Map<string, KafkaRecord> => {
  const newest = new Map<string, KafkaRecord>()
  for (const record of records) if (record.key !== null) newest.set(record.key.toString(), record)
  return newest
}
