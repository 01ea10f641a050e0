import type { KafkaConnection } from './connect-kafka.ts'
import { readPartition, type PartitionRange } from './read-partition.ts'

/** What waits in a stretch of a partition. */
export type Waiting = {
  /** Records that exist; `atMost` of them were counted. */
  readonly records: number
  /** When the first of them was written, UTC ms; null when there is none. */
  readonly sinceMs: number | null
}

/**
 * Where a topic is compacted, and behind every transaction, offsets have holes: how far two of them are apart says little of how
 * much there is between. So it is read, until there is more than anybody wants to count.
 */
export const lookAhead = async (
  connection: KafkaConnection,
  range: PartitionRange,
  atMost: number,
): Promise<Waiting> => {
  let records = 0
  let sinceMs: number | null = null
  for await (const chunk of readPartition(connection, range)) {
    sinceMs ??= chunk[0]?.timestamp ?? null
    records += chunk.length
    if (records >= atMost) break
  }
  return { records: Math.min(records, atMost), sinceMs }
}
