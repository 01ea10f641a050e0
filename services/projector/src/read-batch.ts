import {
  DecodeError,
  isTopicName,
  readRecord,
  topics,
  type Codec,
  type RecordedEvent,
  type TopicName,
} from '@millrace/events'
import type { KafkaRecord } from '@millrace/kafka'
import type { Checkpoint, Progress } from '@millrace/mongo'

/** What of a stretch of the log is new to a lane, and where the lane stands after it. */
export type Batch =
  | {
      readonly type: 'batch'
      readonly events: readonly RecordedEvent[]
      readonly to: Progress
      readonly duplicates: number
    }
  /** The next sequence is not here: the log has lost something, or is out of order. */
  | { readonly type: 'gap'; readonly expected: number; readonly reason: string }
  /** Only a human can let this partition go on. */
  | { readonly type: 'poison'; readonly reason: string }

/** Record and place where reading had to end, or 'end' after the last. */
type Stop = Exclude<Batch, { type: 'batch' }>

/** Ids of the writers' schemas; a record without a readable one is reported when it is decoded. */
const schemaIds = (codec: Codec, records: readonly KafkaRecord[]): Set<number> => {
  const ids = new Set<number>()
  for (const { value } of records) {
    try {
      if (value) ids.add(codec.writerIdOf(value))
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
    }
  }
  return ids
}

const isNumbered = (topic: string): topic is TopicName =>
  isTopicName(topic) && topics[topic].kind === 'events'

/** New to the lane, seen before, or the reason why reading ends here. */
const judge = (event: RecordedEvent, topic: TopicName, last: Progress): 'new' | 'seen' | Stop => {
  if (!isNumbered(topic)) return 'new'
  if (event.sequence === last.lastSequence + 1) return 'new'
  if (event.sequence > last.lastSequence) {
    const expected = last.lastSequence + 1
    return { type: 'gap', expected, reason: `sequence ${expected} is missing before ${event.sequence}` }
  }
  const isOther = event.sequence === last.lastSequence && last.lastId !== null && last.lastId !== event.id
  return isOther ? { type: 'poison', reason: `two events have the sequence ${event.sequence}` } : 'seen'
}

const read = (codec: Codec, record: KafkaRecord, last: Progress): RecordedEvent | 'seen' | Stop => {
  const { topic, value } = record
  if (value === null || !isTopicName(topic)) return 'seen'
  try {
    const event = readRecord(codec, { ...record, topic, value })
    const verdict = judge(event, topic, last)
    return verdict === 'new' ? event : verdict
  } catch (error) {
    if (error instanceof DecodeError)
      return { type: 'poison', reason: `offset ${record.offset}: ${error.message}` }
    throw error
  }
}

/**
 * Decodes a stretch of the log up to the first record that cannot be applied; that record comes first the next time.
 * The relay numbers what it publishes, so there the sequence alone decides, wherever the offsets went: at or below
 * the last one it is a repeat, and a jump is a loss. On other topics the offset is the number, and may have holes.
 */
export const readBatch = async (
  codec: Codec,
  checkpoint: Checkpoint,
  records: readonly KafkaRecord[],
): Promise<Batch> => {
  const fresh = records.filter(
    ({ topic, offset }) => isNumbered(topic) || offset >= BigInt(checkpoint.nextOffset),
  )
  await codec.ensureWriters(schemaIds(codec, fresh))
  const events: RecordedEvent[] = []
  const { nextOffset, lastSequence, lastId, lastTs } = checkpoint
  let to: Progress = { nextOffset, lastSequence, lastId, lastTs }
  for (const [index, record] of fresh.entries()) {
    const result = read(codec, record, to)
    if (result !== 'seen' && !('sequence' in result)) {
      if (index === 0) return result
      break
    }
    to = { ...to, nextOffset: Number(record.offset) + 1 }
    if (result === 'seen') continue
    to = { ...to, lastSequence: result.sequence, lastId: result.id, lastTs: result.occurredAt }
    events.push(result)
  }
  return { type: 'batch', events, to, duplicates: fresh.length - events.length }
}

/** The records from the one with this sequence on; none when it is not among them. */
export const recordsFrom = (records: readonly KafkaRecord[], sequence: number): readonly KafkaRecord[] => {
  const wanted = String(sequence)
  const found = records.findIndex(({ headers }) => headers['ce_sequence']?.toString() === wanted)
  return found < 0 ? [] : records.slice(found)
}
