import {
  readHead,
  readRecord,
  type Codec,
  type RecordHead,
  type RecordedEvent,
  type TopicName,
} from '@millrace/events'
import type { KafkaRecord } from '@millrace/kafka'

/** In the record, for as long as it lives. What went wrong is not kept: a schema may turn up. */
class Read {
  readonly head: RecordHead
  codec: Codec | undefined
  event: RecordedEvent | undefined

  constructor(head: RecordHead) {
    this.head = head
  }
}

/** Builds of one process get the same record, and only the first to ask has the work. Throws DecodeError. */
export const readHeadOnce = (record: KafkaRecord, topic: TopicName): RecordHead => {
  if (record.memo instanceof Read) return record.memo.head
  const head = readHead({ ...record, topic })
  record.memo = new Read(head)
  return head
}

type OnTopic = { readonly record: KafkaRecord; readonly value: Buffer; readonly topic: TopicName }

/** Throws DecodeError. */
export const readEventOnce = (
  codec: Codec,
  { record, value, topic }: OnTopic,
  head: RecordHead,
): RecordedEvent => {
  const read = record.memo instanceof Read ? record.memo : new Read(head)
  if (read.event && read.codec === codec) return read.event
  const event = readRecord(codec, { ...record, topic, value }, head)
  read.codec = codec
  read.event = event
  return event
}
