import type { Batch, KafkaMessage } from 'kafkajs'
import type { FetchedChunk } from './lane-queue.ts'
import type { KafkaRecord, TopicPartition } from './lane-source.ts'
import { sharedBatches } from './shared-batches.ts'

type Headers = KafkaRecord['headers']
type RawHeaders = NonNullable<KafkaMessage['headers']>

// What V8 keeps for a record, its offset and its buffers' handles, and for each header as bytes or as text; measured,
// rounded up. Names are shared.
const RECORD_OVERHEAD_BYTES = 512
const HEADER_OVERHEAD_BYTES = 160
const TEXT_OVERHEAD_BYTES = 32
const SPARSE_SHARE = 4

// Nearly no header is repeated, so the object is handed on as it is; else the last value counts.
const readHeaders = (raw: RawHeaders | undefined): Headers => {
  if (raw === undefined) return {}
  for (const name in raw) if (Array.isArray(raw[name])) return lastValues(raw)
  return raw as Headers
}

const lastValues = (raw: RawHeaders): Headers =>
  Object.fromEntries(
    Object.entries(raw).map(([name, value]) => [name, Array.isArray(value) ? value.at(-1) : value]),
  )

/** What it takes in memory, about. */
export const recordBytes = ({ key, value, headers }: KafkaRecord): number => {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  for (const name in headers) {
    const value = headers[name]
    bytes += (typeof value === 'string' ? TEXT_OVERHEAD_BYTES : HEADER_OVERHEAD_BYTES) + (value?.length ?? 0)
  }
  return bytes
}

const toRecord = ({ topic, partition }: TopicPartition, message: KafkaMessage): KafkaRecord => ({
  topic,
  partition,
  offset: BigInt(message.offset),
  timestamp: Number(message.timestamp),
  key: message.key,
  value: message.value,
  headers: readHeaders(message.headers),
  memo: undefined,
})

type Sized = { readonly record: KafkaRecord; readonly size: number }

const sized = (at: TopicPartition, message: KafkaMessage): Sized => {
  const record = toRecord(at, message)
  return { record, size: recordBytes(record) }
}

/** A message that several consumers get is one record to all of them, so that what is made of it can be shared as well. */
const sharedRecord = (at: TopicPartition, message: KafkaMessage & { shared?: Sized }): Sized => {
  const known = message.shared
  if (known?.record.topic === at.topic && known.record.partition === at.partition) return known
  return (message.shared = sized(at, message))
}

const copyOf = (bytes: Buffer | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes))

/** A copy that keeps nothing else alive of the answer in which the record came: for whoever keeps it. */
export const detachRecord = (record: KafkaRecord): KafkaRecord => {
  const headers: Record<string, Buffer | string | undefined> = {}
  for (const [name, value] of Object.entries(record.headers))
    headers[name] = Buffer.isBuffer(value) ? Buffer.from(value) : value
  return { ...record, key: copyOf(record.key), value: copyOf(record.value), headers }
}

/**
 * Every buffer of a record is a view of the whole answer, up to 10 MiB for all partitions of a broker. A slow lane
 * that queued one record of each answer would keep all of them: where a chunk is a small part, it is copied out.
 */
const isSparse = (records: readonly KafkaRecord[], bytes: number): boolean => {
  const whole = records[0]?.value?.buffer.byteLength ?? records[0]?.key?.buffer.byteLength ?? 0
  return whole > bytes * SPARSE_SHARE
}

const readFetchedOffset = (batch: Batch): bigint => {
  if ('fetchedOffset' in batch && typeof batch.fetchedOffset === 'string') return BigInt(batch.fetchedOffset)
  throw new TypeError('kafkajs does not say where a batch was fetched from; check it against libs/kafka')
}

/** A kafkajs batch as our own. The only place that reads one. */
export const readChunk = (batch: Batch): FetchedChunk => {
  const records: KafkaRecord[] = []
  const sizes: number[] = []
  let bytes = 0
  const read = sharedBatches.isShared() ? sharedRecord : sized
  for (const message of batch.messages) {
    const { record, size } = read(batch, message)
    records.push(record)
    sizes.push(size)
    bytes += size
  }
  return {
    fetchedOffset: readFetchedOffset(batch),
    endOffset: BigInt(batch.lastOffset()) + 1n,
    highWatermark: BigInt(batch.highWatermark),
    records: isSparse(records, bytes) ? records.map(detachRecord) : records,
    sizes,
    bytes,
    isJump: false,
  }
}
