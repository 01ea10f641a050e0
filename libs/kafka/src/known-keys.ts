import type { KafkaConnection } from './connect-kafka.ts'
import type { TopicPartition } from './lane-source.ts'
import { lookAhead } from './look-ahead.ts'
import { readPartition } from './read-partition.ts'

/**
 * Message keys that a compacted partition has a value of; null when it has no record from `nextOffset` on. By the partition
 * itself, not by a snapshot of it: whoever deletes what is not among them must not go by what somebody else has made of it.
 */
export const knownKeysOf = async (
  connection: KafkaConnection,
  { topic, partition, nextOffset }: TopicPartition & { readonly nextOffset: bigint },
): Promise<ReadonlySet<string> | null> => {
  const ahead = await lookAhead(connection, { topic, partition, from: nextOffset }, 1)
  if (ahead.records === 0) return null
  const known = new Set<string>()
  for await (const records of readPartition(connection, { topic, partition }))
    for (const { key, value } of records) {
      if (value === null) known.delete(String(key))
      else known.add(String(key))
    }
  return known
}
