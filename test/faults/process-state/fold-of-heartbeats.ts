// What the table must have, by a fold of all heartbeats from the first one on, in one process that nobody kills: up to
// where the table has read them, record by record.

import { processState, versionedName, type Document } from '@millrace/domain'
import { readRecord, topics, writerIdsOf, type HeartbeatReceived } from '@millrace/events'
import { readPartition, type KafkaRecord } from '@millrace/kafka'
import { foldTable, type TableClock, type TableEntry } from '@millrace/projections'
import type { TableSide } from './table-side.ts'

export type FoldOfHeartbeats = {
  /** To where the table is. Gives that place by partition: what the table has is of there while that is the same. */
  catchUp(): Promise<readonly number[]>
  /** Message keys and their states. */
  states(): ReadonlyMap<string, Document>
  /** Of each key the last heartbeat in the log. */
  heard(): ReadonlyMap<string, HeartbeatReceived>
}

const SOURCE = topics['heartbeat.received']
const TABLE = versionedName(processState)

type Partition = { next: number; clock: TableClock; readonly states: Map<string, Document> }

export const foldHeartbeats = ({ kafka, codec, servers }: TableSide): FoldOfHeartbeats => {
  const heard = new Map<string, HeartbeatReceived>()
  const partitions = Array.from({ length: SOURCE.partitions }, (): Partition => ({
    next: 0,
    clock: null,
    states: new Map(),
  }))

  const toEntry = (record: KafkaRecord): TableEntry => {
    const { value, timestamp: timestampMs } = record
    const event = value && readRecord(codec, { ...record, topic: SOURCE.name, value })
    if (event?.type !== 'HeartbeatReceived') return { change: null, timestampMs }
    const id = String(record.key)
    heard.set(id, event.data)
    return { change: { id, event }, timestampMs }
  }

  const fold = (own: Partition, records: readonly KafkaRecord[]): void => {
    const { states, clock } = own
    const folding = foldTable({ table: processState, stored: states, clock }, records.map(toEntry))
    for (const [key, state] of folding.changed) {
      if (state) states.set(key, state)
      else states.delete(key)
    }
    own.clock = folding.clock
    own.next = Number(records.at(-1)?.offset ?? own.next - 1) + 1
  }

  const reached = async (): Promise<number[]> => {
    const found = await servers.mongoConnection.db
      .collection<{ _id: { partition: number }; nextOffset: number }>('checkpoints')
      .find({ '_id.projection': TABLE, '_id.topic': SOURCE.name })
      .toArray()
    return partitions.map(
      (_, partition) => found.find(({ _id }) => _id.partition === partition)?.nextOffset ?? 0,
    )
  }

  const foldUpTo = async (partition: number, end: number): Promise<void> => {
    const own = partitions[partition]
    if (!own || own.next >= end) return
    const range = { topic: SOURCE.name, partition, from: BigInt(own.next), to: BigInt(end) }
    for await (const records of readPartition(kafka, range)) {
      await codec.ensureWriters(
        writerIdsOf(
          codec,
          records.map(({ value }) => value),
        ),
      )
      fold(own, records)
    }
  }

  return {
    catchUp: async () => {
      const ends = await reached()
      await Promise.all(ends.map((end, partition) => foldUpTo(partition, end)))
      return ends
    },
    states: () => new Map(partitions.flatMap(({ states }) => [...states])),
    heard: () => heard,
  }
}
