import {
  contentType,
  integerPattern,
  specVersion,
  streamPattern,
  timePattern,
  traceparentPattern,
} from './headers.ts'
import type { TopicSpec } from './topics.ts'

type StringSchema = {
  readonly type: 'string'
  readonly description: string
  readonly [keyword: string]: unknown
}

/** JSON Schema of a record's headers, each a text in UTF-8. */
export type HeaderSchema = {
  readonly type: 'object'
  readonly required: readonly string[]
  readonly properties: Readonly<Record<string, StringSchema>>
  readonly additionalProperties: { readonly type: 'string' }
}

const text = (description: string, more: object = {}): StringSchema => ({
  type: 'string',
  description,
  ...more,
})
const matching = ({ source }: RegExp, description: string): StringSchema =>
  text(description, { pattern: source })

const always = {
  ce_specversion: text('Of CloudEvents.', { const: specVersion }),
  ce_id: text('Of the event; the same in every repeat of the record.', { minLength: 1 }),
  ce_type: text('As the event was written, so it may be a former type.', { minLength: 1 }),
  ce_source: text('Category of the stream, behind a slash.', { minLength: 1 }),
  ce_subject: matching(streamPattern, 'The stream.'),
  ce_time: matching(timePattern, 'When it happened.'),
  ce_tenant: text('Whose it is.', { minLength: 1 }),
  ce_version: matching(
    integerPattern,
    'In its stream; of a table’s state, which one it is; 0 where there is neither.',
  ),
  ce_correlationid: text('Of the request that all of it goes back to.', { minLength: 1 }),
  ce_causationid: text('Of what caused it.', { minLength: 1 }),
  ce_actor: text('Who did it.', { minLength: 1 }),
  'content-type': text('Of the value: Avro, in the wire format of the schema registry.', {
    const: contentType,
  }),
}

const sequence = { ce_sequence: matching(integerPattern, 'In its partition, without gaps.') }
const trace = { traceparent: matching(traceparentPattern, 'W3C trace context.') }

/** What `toHeaders` writes to a topic of this kind, and `parseHeaders` demands; what else is there are extensions. */
export const headerSchemaOf = (kind: TopicSpec['kind']): HeaderSchema => {
  const required = kind === 'events' ? { ...always, ...sequence } : always
  return {
    type: 'object',
    required: Object.keys(required),
    properties: { ...required, ...trace },
    additionalProperties: { type: 'string' },
  }
}
