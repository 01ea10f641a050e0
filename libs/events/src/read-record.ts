import type { Codec } from './codec.ts'
import { DecodeError } from './errors.ts'
import { categoryOf, parseHeaders, type EventMetadata, type RecordHeaders } from './headers.ts'
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

/**
 * Value, headers and key of a record as one event of its newest type; throws DecodeError when they are malformed
 * or disagree.
 */
export const readRecord = (
  codec: Pick<Codec, 'decode' | 'newestTypeOf'>,
  record: EventRecord,
): RecordedEvent => {
  const metadata = parseHeaders(record.headers)
  const messageKey = parseMessageKey(record.key)
  const event = codec.decode(record.topic, record.value)
  if (codec.newestTypeOf(metadata.type) !== event.type)
    throw disagreement('ce_type', `says ${metadata.type}, the value is ${event.type}`)
  checkPlace(metadata, messageKey)
  return {
    ...event,
    id: metadata.id,
    tenant: metadata.tenant,
    stream: metadata.stream,
    key: messageKey.key,
    version: metadata.version,
    occurredAt: metadata.occurredAt,
    correlationId: metadata.correlationId,
    causationId: metadata.causationId,
    actor: metadata.actor,
    sequence: sequenceOf(metadata, record),
  }
}

const checkPlace = (metadata: EventMetadata, { tenant, key }: MessageKey): void => {
  if (metadata.tenant !== tenant)
    throw disagreement('ce_tenant', 'differs from the tenant in the message key')
  if (metadata.stream !== `${categoryOf(metadata.stream)}-${key}`)
    throw disagreement('ce_subject', 'differs from the id in the message key')
}

const disagreement = (header: string, problem: string): DecodeError =>
  new DecodeError({ code: 'bad-header', header, message: `header ${header} ${problem}` })

const sequenceOf = ({ sequence }: EventMetadata, { topic, offset }: EventRecord): number => {
  if (sequence !== null) return sequence
  if (topics[topic].kind !== 'events') return Number(offset)
  throw new DecodeError({
    code: 'bad-header',
    header: 'ce_sequence',
    message: 'header ce_sequence is missing',
  })
}
