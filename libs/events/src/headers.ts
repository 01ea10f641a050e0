import { DecodeError } from './errors.ts'
import type { EventIdentity } from './recorded-event.ts'

/**
 * An event's metadata as CloudEvents headers (Kafka protocol binding, binary mode); the data is the record's value
 * and the aggregate id is in its key. ce_source is the stream's category. ce_sequence is absent on topics that the
 * relay does not publish: there the offset numbers the records. Unknown headers are ignored.
 */
export type EventMetadata = Omit<EventIdentity, 'key' | 'sequence'> & {
  /** As the event was written, so it may be a former type; whoever reads the value learns whether it is known. */
  readonly type: string
  readonly sequence: number | null
  /** W3C trace context; null when there is none or it is malformed. */
  readonly traceparent: string | null
}

/** Header values as Kafka clients give them. */
export type HeaderValue = Buffer | string | readonly (Buffer | string)[] | undefined
export type RecordHeaders = { readonly [name: string]: HeaderValue }

export const toHeaders = (metadata: EventMetadata): Record<string, string> => ({
  ce_specversion: specVersion,
  ce_id: metadata.id,
  ce_type: metadata.type,
  ce_source: `/${categoryOf(metadata.stream)}`,
  ce_subject: metadata.stream,
  ce_time: new Date(metadata.occurredAt).toISOString(),
  ce_tenant: metadata.tenant,
  ce_version: String(metadata.version),
  ce_correlationid: metadata.correlationId,
  ce_causationid: metadata.causationId,
  ce_actor: metadata.actor,
  'content-type': contentType,
  ...(metadata.sequence === null ? {} : { ce_sequence: String(metadata.sequence) }),
  ...(metadata.traceparent === null ? {} : { traceparent: metadata.traceparent }),
})

export const parseHeaders = (headers: RecordHeaders): EventMetadata => {
  expectHeader(headers, 'ce_specversion', specVersion)
  expectHeader(headers, 'content-type', contentType)
  readText(headers, 'ce_source')
  return {
    id: readText(headers, 'ce_id'),
    type: readText(headers, 'ce_type'),
    stream: readStream(headers),
    occurredAt: readTime(headers),
    tenant: readText(headers, 'ce_tenant'),
    version: readInteger(headers, 'ce_version'),
    correlationId: readText(headers, 'ce_correlationid'),
    causationId: readText(headers, 'ce_causationid'),
    actor: readText(headers, 'ce_actor'),
    sequence: headers['ce_sequence'] === undefined ? null : readInteger(headers, 'ce_sequence'),
    traceparent: readTraceparent(headers['traceparent']),
  }
}

/** `orders.order` of `orders.order-o-17`. */
export const categoryOf = (stream: string): string => {
  const dash = stream.indexOf('-')
  return dash < 0 ? stream : stream.slice(0, dash)
}

/** `o-17` of `orders.order-o-17`: the id of its aggregate, and the key of its records. */
export const keyOfStream = (stream: string): string => stream.slice(categoryOf(stream).length + 1)

export const specVersion = '1.0'
export const contentType = 'avro/binary'

export const streamPattern = /^[^.\s-]+\.[^.\s-]+-.+$/s
export const integerPattern = /^(?:0|[1-9]\d{0,15})$/
export const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/
export const traceparentPattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

const badHeader = (header: string, problem: string): DecodeError =>
  new DecodeError({ code: 'bad-header', header, message: `header ${header} ${problem}` })

const readText = (headers: RecordHeaders, name: string): string => {
  const value = headers[name]
  if (value === undefined) throw badHeader(name, 'is missing')
  if (typeof value !== 'string' && !Buffer.isBuffer(value)) throw badHeader(name, 'is repeated')
  const text = value.toString()
  if (text === '') throw badHeader(name, 'is empty')
  return text
}

const expectHeader = (headers: RecordHeaders, name: string, expected: string): void => {
  const text = readText(headers, name)
  if (text !== expected) throw badHeader(name, `is ${JSON.stringify(text)}, not ${expected}`)
}

const readStream = (headers: RecordHeaders): string => {
  const text = readText(headers, 'ce_subject')
  if (!streamPattern.test(text)) throw badHeader('ce_subject', `is no stream: ${JSON.stringify(text)}`)
  return text
}

const readInteger = (headers: RecordHeaders, name: string): number => {
  const text = readText(headers, name)
  const value = Number(text)
  if (integerPattern.test(text) && Number.isSafeInteger(value)) return value
  throw badHeader(name, `is no whole number below 2^53: ${JSON.stringify(text)}`)
}

const readTime = (headers: RecordHeaders): number => {
  const text = readText(headers, 'ce_time')
  const ms = timePattern.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw badHeader('ce_time', `is no RFC 3339 time: ${JSON.stringify(text)}`)
  return ms
}

// Trace context is an aid: by its own specification a malformed one is dropped, not refused.
const readTraceparent = (value: HeaderValue): string | null => {
  const text = typeof value === 'string' || Buffer.isBuffer(value) ? value.toString() : ''
  return traceparentPattern.test(text) ? text : null
}
