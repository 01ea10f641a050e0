/**
 * How somebody new learns the last value of every key of a compacted topic: from its snapshot, and from what the topic has
 * since that was taken.
 *
 *   snapshot, all of it ─► newest entry of each key, last marker ─► source from the marker's offset on ─► last values
 *
 * The snapshot is passed over, and the source read from its first record on, when there is no marker, when the source ends
 * before it (it was created anew since), and when it is older than tombstones are kept for: a key that is gone would stand in
 * it for ever.
 */
import {
  readHead,
  tombstonesTrustedMs,
  writerIdsOf,
  type Codec,
  type EventDataByType,
  type TopicName,
} from '@millrace/events'
import { fetchEndOffsets } from './admin.ts'
import type { KafkaConnection } from './connect-kafka.ts'
import type { KafkaRecord } from './lane-source.ts'
import { newestOfKeys } from './newest-of-keys.ts'
import { detachRecord } from './read-chunk.ts'
import { readPartition } from './read-partition.ts'

export type LastValuesDeps = { readonly connection: KafkaConnection; readonly codec: Codec }

export type CompactedPartition = {
  readonly source: TopicName
  /** Null where there are none: then all of the source is read. */
  readonly snapshots: TopicName | null
  readonly partition: number
}

/** By message key, what was read last of each that has a value: a record of the source, or an entry of its snapshot. */
type LastRecords = {
  readonly records: ReadonlyMap<string, KafkaRecord>
  /** Of the source: where to read on. */
  readonly nextOffset: bigint
}

export type LastValue = {
  readonly doc: unknown
  /** UTC ms. */
  readonly ts: number
  /** Its offset in the source. */
  readonly v: number
}

export type LastValues = {
  /** By message key. */
  readonly values: ReadonlyMap<string, LastValue>
  /** Of the source: where to read on. */
  readonly nextOffset: bigint
}

/** One record a key is in memory. */
const loadLastRecords = async (
  { connection, codec }: LastValuesDeps,
  { source, snapshots, partition }: CompactedPartition,
): Promise<LastRecords> => {
  const snapshot =
    snapshots === null ? undefined : await readSnapshot({ connection, codec }, snapshots, partition)
  // After the snapshot was read: nothing in it is from behind this end.
  const nextOffset = (await fetchEndOffsets(connection, source)).get(partition) ?? 0n
  const usable = snapshot && isUsable(snapshot.marker, nextOffset) ? snapshot : undefined
  const records = usable?.records ?? new Map<string, KafkaRecord>()
  const from = BigInt(usable?.marker.nextOffset ?? 0)
  const rest = readPartition(connection, { topic: source, partition, from, to: nextOffset })
  for await (const chunk of rest) keepNewest(records, chunk)
  return { records, nextOffset }
}

/** Throws DecodeError for a last value that cannot be read; a PlatformError when Kafka or the registry does not answer. */
export const loadLastValues = async (
  deps: LastValuesDeps,
  compacted: CompactedPartition,
): Promise<LastValues> => {
  const { codec } = deps
  const { records, nextOffset } = await loadLastRecords(deps, compacted)
  const bytes = [...records.values()].map(({ value }) => value)
  await codec.ensureWriters(writerIdsOf(codec, bytes))
  const values = new Map<string, LastValue>()
  for (const [key, record] of records) {
    if (record.value === null) continue
    const topic = record.topic === compacted.source ? compacted.source : compacted.snapshots
    if (topic !== null)
      values.set(key, readValue(codec, { ...record, topic, value: record.value }, compacted))
  }
  return { values, nextOffset }
}

type Valued = KafkaRecord & { readonly topic: TopicName; readonly value: Buffer }

const readValue = (codec: Codec, record: Valued, { source }: CompactedPartition): LastValue => {
  const { data } = codec.decode(record.topic, record.value)
  if (record.topic !== source && isEntry(data)) return { doc: data.doc, ts: data._ts, v: data._v }
  return { doc: data, ts: readHead(record).occurredAt, v: Number(record.offset) }
}

/** Every topic of snapshots has entries of this form. */
const isEntry = (data: object): data is EventDataByType['ProcessStateSnapshot'] =>
  '_v' in data && 'doc' in data

type Marker = EventDataByType['SnapshotTaken']
type Snapshot = { readonly records: Map<string, KafkaRecord>; readonly marker: Marker }

const readSnapshot = async (
  { connection, codec }: LastValuesDeps,
  topic: TopicName,
  partition: number,
): Promise<Snapshot | undefined> => {
  const records = new Map<string, KafkaRecord>()
  let last: KafkaRecord | undefined
  for await (const chunk of readPartition(connection, { topic, partition })) {
    const entries = chunk.filter((record) => !isSnapshotMarker(record))
    last = chunk.findLast(isSnapshotMarker) ?? last
    keepNewest(records, entries)
  }
  if (!last?.value) return undefined
  await codec.ensureWriters(writerIdsOf(codec, [last.value]))
  const event = codec.decode(topic, last.value)
  return event.type === 'SnapshotTaken' ? { records, marker: event.data } : undefined
}

/** Says that a snapshot is complete; every other record of its topic is a value. */
export const isSnapshotMarker = ({ headers }: KafkaRecord): boolean =>
  headers['ce_type']?.toString() === 'SnapshotTaken'

const isUsable = ({ nextOffset, takenAt }: Marker, end: bigint): boolean =>
  BigInt(nextOffset) <= end && Date.now() - takenAt <= tombstonesTrustedMs

/** Copies what is left of a chunk, not all that came. */
const keepNewest = (records: Map<string, KafkaRecord>, chunk: readonly KafkaRecord[]): void => {
  for (const [key, record] of newestOfKeys(chunk)) {
    if (record.value === null) records.delete(key)
    else records.set(key, detachRecord(record))
  }
}
