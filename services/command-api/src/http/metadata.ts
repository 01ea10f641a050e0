import { textField } from '@millrace/domain'
import { z } from 'zod'

const MAX_ENTRIES = 16

/** Attributes that every event has: its metadata must not speak for them. */
const RESERVED = new Set([
  ...['id', 'type', 'source', 'subject', 'time', 'specversion', 'datacontenttype', 'dataschema'],
  ...['tenant', 'version', 'sequence', 'correlationid', 'causationid', 'actor', 'traceparent', 'tracestate'],
])

/** CloudEvents extension attributes: they travel as `ce_<name>` headers (lower-case letters and digits, at most 20). */
export const metadataField = z
  .record(
    z
      .string()
      .regex(/^[a-z][a-z0-9]{0,19}$/)
      .refine((name) => !RESERVED.has(name), 'This name belongs to every event')
      .meta({ not: { enum: [...RESERVED] } }),
    textField.max(256),
  )
  .refine((metadata) => Object.keys(metadata).length <= MAX_ENTRIES, `At most ${MAX_ENTRIES} entries`)
  .meta({ maxProperties: MAX_ENTRIES })
