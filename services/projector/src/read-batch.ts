import {
  DecodeError,
  isTopicName,
  parseMessageKey,
  topics,
  writerIdsOf,
  type Codec,
  type RecordHead,
  type TopicName,
} from '@millrace/events'
import type { KafkaRecord } from '@millrace/kafka'
import type { Checkpoint, Progress } from '@millrace/mongo'
import { watermarkAfter, type Entry } from '@millrace/projections'
import { readEventOnce, readHeadOnce } from './read-once.ts'

/** What of a stretch of the log is new to a lane, and where the lane stands after it. */
export type Batch =
  | {
      readonly type: 'batch'
      readonly entries: readonly Entry[]
      readonly to: Progress
      readonly duplicates: number
    }
  /** The next sequence is not here: the log has lost something, or is out of order. */
  | { readonly type: 'gap'; readonly expected: number; readonly reason: string }
  /** Only a human can let this partition go on. */
  | { readonly type: 'broken'; readonly reason: string }

/** Record and place where reading had to end. */
type Stop = Exclude<Batch, { type: 'batch' }>

export type BatchReader = {
  readonly codec: Codec
  /** Types that the projection handles; others are passed by without being decoded. */
  readonly handles: (type: string) => boolean
  readonly isParked: (record: KafkaRecord) => boolean
}

/** The relay numbers its records; elsewhere the offset is the number. */
export const isNumbered = (topic: string): topic is TopicName =>
  isTopicName(topic) && topics[topic].kind === 'events'

/** New to the lane, seen before, or the reason why reading ends here. */
const judge = (head: RecordHead, topic: TopicName, last: Progress): 'new' | 'seen' | Stop => {
  if (!isNumbered(topic)) return 'new'
  const { sequence } = head
  if (sequence === last.lastSequence + 1) return 'new'
  if (sequence > last.lastSequence) {
    const expected = last.lastSequence + 1
    return { type: 'gap', expected, reason: `sequence ${expected} is missing before ${sequence}` }
  }
  const isOther = sequence === last.lastSequence && last.lastId !== null && last.lastId !== head.id
  return isOther ? { type: 'broken', reason: `two events have the sequence ${sequence}` } : 'seen'
}

type Found = { readonly type: 'found'; readonly entry: Entry | null; readonly to: Progress }

/** What `work` gives, or the DecodeError that it throws. */
const decoding = <T>(work: () => T): T | DecodeError => {
  try {
    return work()
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
}

const read = (reader: BatchReader, record: KafkaRecord, last: Progress): 'seen' | Stop | Found => {
  const { topic, value } = record
  if (!isTopicName(topic)) return 'seen'
  if (value === null && !isNumbered(topic)) return readTombstone(reader, record, last)
  const head = decoding(() => readHeadOnce(record, topic))
  // The relay writes no such record: somebody else did, and it has no place in the sequence.
  if (head instanceof DecodeError)
    return { type: 'found', entry: poison(record, { sequence: null, last, error: head }), to: last }
  const verdict = judge(head, topic, last)
  if (verdict !== 'new') return verdict
  return {
    type: 'found',
    entry: entryOf(reader, { record, topic, head, last }),
    to: progressOf(head, record, last),
  }
}

/** Of a topic whose offsets number its records; elsewhere a key has an end only by an event that says so. */
const readTombstone = ({ isParked }: BatchReader, record: KafkaRecord, last: Progress): 'seen' | Found => {
  const key = decoding(() => parseMessageKey(record.key))
  if (key instanceof DecodeError) return 'seen'
  const sequence = Number(record.offset)
  const at = { record, sequence, watermark: last.watermark }
  const entry: Entry = isParked(record) ? { type: 'waits', ...at } : { type: 'tombstone', ...at, ...key }
  return { type: 'found', entry, to: { ...last, lastSequence: sequence, lastTs: record.timestamp } }
}

const progressOf = (
  { id, sequence, occurredAt }: RecordHead,
  record: KafkaRecord,
  last: Progress,
): Progress => ({
  ...last,
  lastSequence: sequence,
  lastId: id,
  lastTs: occurredAt,
  watermark: watermarkAfter(last.watermark, { occurredAt, committedAt: record.timestamp }),
})

type ToRead = {
  readonly record: KafkaRecord
  readonly topic: TopicName
  readonly head: RecordHead
  readonly last: Progress
}

const entryOf = (
  { codec, handles, isParked }: BatchReader,
  { record, topic, head, last }: ToRead,
): Entry | null => {
  const { sequence } = head
  const newestType = codec.newestTypeOf(head.type)
  if (newestType !== undefined && !handles(newestType)) return null
  const { watermark } = last
  if (isParked(record)) return { type: 'waits', record, sequence, watermark }
  const { value } = record
  const event = decoding(() => {
    if (value) return readEventOnce(codec, { record, value, topic }, head)
    throw new DecodeError({ code: 'truncated', message: 'a tombstone where events are kept for ever' })
  })
  return event instanceof DecodeError
    ? poison(record, { sequence, last, error: event })
    : { type: 'event', record, sequence, watermark, event }
}

type Fault = { readonly sequence: number | null; readonly last: Progress; readonly error: Error }

const poison = (record: KafkaRecord, { sequence, last, error }: Fault): Entry => ({
  type: 'poison',
  record,
  sequence,
  watermark: last.watermark,
  error,
})

/**
 * Reads a stretch of the log up to the first record that is out of its place; that record comes first the next time.
 * The relay numbers what it publishes, so there the sequence alone decides, wherever the offsets went: at or below
 * the last one it is a repeat, and a jump is a loss. On other topics the offset is the number, and may have holes.
 */
export const readBatch = async (
  reader: BatchReader,
  checkpoint: Checkpoint,
  records: readonly KafkaRecord[],
): Promise<Batch> => {
  const fresh = records.filter((record) => isFresh(record, checkpoint))
  await reader.codec.ensureWriters(
    writerIdsOf(
      reader.codec,
      fresh.map(({ value }) => value),
    ),
  )
  const { nextOffset, lastSequence, lastId, lastTs, watermark } = checkpoint
  let to: Progress = { nextOffset, lastSequence, lastId, lastTs, watermark }
  const entries: Entry[] = []
  let duplicates = 0
  for (const [index, record] of fresh.entries()) {
    const result = read(reader, record, to)
    if (result !== 'seen' && result.type !== 'found') {
      if (index === 0) return result
      break
    }
    to = { ...(result === 'seen' ? to : result.to), nextOffset: Number(record.offset) + 1 }
    if (result === 'seen') duplicates += 1
    else if (result.entry) entries.push(result.entry)
  }
  return { type: 'batch', entries, to, duplicates }
}

/** A record without a sequence is known by its offset, wherever it is. */
const isFresh = ({ topic, offset, headers }: KafkaRecord, { nextOffset }: Checkpoint): boolean =>
  offset >= BigInt(nextOffset) || (isNumbered(topic) && headers['ce_sequence'] !== undefined)

/** The records from the one with this sequence on; none when it is not among them. */
export const recordsFrom = (records: readonly KafkaRecord[], sequence: number): readonly KafkaRecord[] => {
  const wanted = String(sequence)
  const found = records.findIndex(({ headers }) => headers['ce_sequence']?.toString() === wanted)
  return found < 0 ? [] : records.slice(found)
}
