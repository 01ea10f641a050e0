import { readRecord, topics, isTopicName, type Codec, type RecordedEvent } from '@millrace/events'
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
  /** A sequence is missing: the log has lost something, or somebody else writes into it. */
  | { readonly type: 'gap'; readonly expected: number; readonly found: number; readonly offset: bigint }

const schemaIds = (codec: Codec, records: readonly KafkaRecord[]): Set<number> =>
  new Set(records.flatMap(({ value }) => (value ? [codec.writerIdOf(value)] : [])))

/**
 * Decodes the records from the checkpoint's offset on. The relay numbers what it publishes, so a sequence at or
 * below the last one is a repeat and is dropped, and a jump is a loss; on other topics the offset itself is the
 * number, and offsets may have holes. Throws DecodeError for a record nobody can read.
 */
export const readBatch = async (
  codec: Codec,
  checkpoint: Checkpoint,
  records: readonly KafkaRecord[],
): Promise<Batch> => {
  const fresh = records.filter(({ offset }) => offset >= BigInt(checkpoint.nextOffset))
  await codec.ensureWriters(schemaIds(codec, fresh))
  const events: RecordedEvent[] = []
  let { lastSequence, lastId, lastTs } = checkpoint
  for (const { topic, offset, key, value, headers } of fresh) {
    if (value === null || !isTopicName(topic)) continue
    const event = readRecord(codec, { topic, offset, key, value, headers })
    if (topics[topic].kind === 'events') {
      if (event.sequence <= lastSequence) continue
      if (event.sequence > lastSequence + 1) {
        return { type: 'gap', expected: lastSequence + 1, found: event.sequence, offset }
      }
    }
    lastSequence = event.sequence
    lastId = event.id
    lastTs = event.occurredAt
    events.push(event)
  }
  const last = records.at(-1)
  const nextOffset = Math.max(checkpoint.nextOffset, last ? Number(last.offset) + 1 : 0)
  const to = { nextOffset, lastSequence, lastId, lastTs }
  return { type: 'batch', events, to, duplicates: records.length - events.length }
}
