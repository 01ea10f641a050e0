import { topics, writerIdsOf, type TopicName } from '@millrace/events'
import { detachRecord, readPartition, type KafkaRecord } from '@millrace/kafka'
import type { LogEntry, OrderRule } from './order-rules.ts'
import type { TableSide } from './table-side.ts'

/** Follows a compacted topic, or one like it: what each key has last, and whether anything went backwards. */
export type LogWatch = {
  /** To the end that the topic has now. */
  readOn(): Promise<void>
  /** How far it has read, by partition. */
  offsets(): readonly bigint[]
  /** Of each key the last entry; of one that is gone its tombstone. */
  last(): ReadonlyMap<string, LogEntry>
  count(kind: LogKind): number
  faults(): readonly string[]
}

/** `mark`: what a snapshot ends with. */
export type LogKind = 'value' | 'tombstone' | 'mark'

type Watched = { readonly topic: TopicName; readonly rule: OrderRule }

const kindOf = ({ event }: LogEntry): LogKind => {
  if (event === null) return 'tombstone'
  return event.type === 'SnapshotTaken' ? 'mark' : 'value'
}

export const watchLog = ({ kafka, codec }: TableSide, { topic, rule }: Watched): LogWatch => {
  const last = new Map<string, LogEntry>()
  const counts = { value: 0, tombstone: 0, mark: 0 }
  const faults: string[] = []
  const next = Array.from({ length: topics[topic].partitions }, () => 0n)

  const see = (record: KafkaRecord): void => {
    const event = record.value && codec.decode(topic, record.value)
    const entry = { key: String(record.key), record: detachRecord(record), event }
    const kind = kindOf(entry)
    counts[kind] += 1
    if (kind === 'mark') return
    faults.push(...rule(entry).map((fault) => `${topic}, offset ${record.offset}: ${fault}`))
    last.set(entry.key, entry)
  }

  const readOn = async (partition: number): Promise<void> => {
    for await (const records of readPartition(kafka, { topic, partition, from: next[partition] ?? 0n })) {
      const values = records.map(({ value }) => value)
      await codec.ensureWriters(writerIdsOf(codec, values))
      records.forEach(see)
      next[partition] = (records.at(-1)?.offset ?? -1n) + 1n
    }
  }

  return {
    readOn: async () => void (await Promise.all(next.map((_, partition) => readOn(partition)))),
    offsets: () => [...next],
    last: () => last,
    count: (kind) => counts[kind],
    faults: () => faults,
  }
}
