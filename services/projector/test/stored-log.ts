/*
 * The same records as the event store has them: what is folded from here has to be what lanes make of Kafka.
 */
import { readHead } from '@millrace/events'
import type { KafkaRecord } from '@millrace/kafka'
import type { LoggedEvent, PartitionLog as StoredLog, ShardId } from '@millrace/mongo'
import type { PartitionLog } from './log-of.ts'

const toLogged = (topic: PartitionLog['place']['topic'], record: KafkaRecord): LoggedEvent => ({
  ...readHead({ ...record, topic }),
  topic,
  committedAt: record.timestamp,
  bytes: record.value ?? Buffer.alloc(0),
})

/** `stretch` events at a time, up to where `logs` are when they are read. */
export const storedLogOf = (logs: readonly PartitionLog[], stretch: number): StoredLog => {
  const eventsOf = ({ topic, partition }: ShardId): LoggedEvent[] =>
    logs
      .filter(({ place }) => place.topic === topic && place.partition === partition)
      .flatMap(({ place, records }) => records.map((record) => toLogged(place.topic, record)))
  return {
    read: async function* (shard, after) {
      for (let from = after; ; from += stretch) {
        const events = eventsOf(shard).slice(from, from + stretch)
        if (events.length === 0) return
        yield events
      }
    },
  }
}
