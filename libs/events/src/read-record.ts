import type { Codec } from './codec.ts'
import { DecodeError } from './errors.ts'
import { keyOfStream, parseHeaders, type EventMetadata, type RecordHeaders } from './headers.ts'
import { parseMessageKey, type MessageKey } from './message-key.ts'
import type { RecordedEvent } from './recorded-event.ts'
import { topics, type TopicName } from './topics.ts'

/** What of a Kafka record makes up an event. */
export type EventRecord = {
  readonly topic: TopicName
  readonly offset: bigint
  readonly key: Buffer | string | null
  readonly value: Buffer
  readonly headers: RecordHeaders
}

/** What headers and key of a record say, without a look at its value. */
export type RecordHead = EventMetadata & MessageKey & { readonly sequence: number }

/** Throws DecodeError when headers and key are malformed or disagree. */
export const readHead = (record: Omit<EventRecord, 'value'>): RecordHead => {
  const metadata = parseHeaders(record.headers)
  const messageKey = parseMessageKey(record.key)
  checkPlace(metadata, messageKey)
  return { ...metadata, key: messageKey.key, sequence: sequenceOf(metadata, record) }
}

/**
 * Value, headers and key of a record as one event of its newest type; throws DecodeError when they are malformed
 * or disagree. Whoever has read its head before hands it in.
 */
export const readRecord = (
  codec: Pick<Codec, 'decode' | 'newestTypeOf'>,
  record: EventRecord,
  head: RecordHead = readHead(record),
): RecordedEvent => {
  const event = codec.decode(record.topic, record.value)
  if (codec.newestTypeOf(head.type) !== event.type)
    throw disagreement('ce_type', `says ${head.type}, the value is ${event.type}`)
  return {
    ...event,
    id: head.id,
    tenant: head.tenant,
    stream: head.stream,
    key: head.key,
    version: head.version,
    occurredAt: head.occurredAt,
    correlationId: head.correlationId,
    causationId: head.causationId,
    actor: head.actor,
    sequence: head.sequence,
  }
}

const checkPlace = (metadata: EventMetadata, { tenant, key }: MessageKey): void => {
  if (metadata.tenant !== tenant)
    throw disagreement('ce_tenant', 'differs from the tenant in the message key')
  if (keyOfStream(metadata.stream) !== key)
    throw disagreement('ce_subject', 'differs from the id in the message key')
}

const disagreement = (header: string, problem: string): DecodeError =>
  new DecodeError({ code: 'bad-header', header, message: `header ${header} ${problem}` })

const sequenceOf = (
  { sequence }: EventMetadata,
  { topic, offset }: Pick<EventRecord, 'topic' | 'offset'>,
): number => {
  if (sequence !== null) return sequence
  if (topics[topic].kind !== 'events') return Number(offset)
  throw new DecodeError({
    code: 'bad-header',
    header: 'ce_sequence',
    message: 'header ce_sequence is missing',
  })
}
