import { textField } from '@millrace/domain'
import { z } from 'zod'

const MAX_ENTRIES = 16

/** Attributes that every event has: its metadata must not speak for them. */
const RESERVED = new Set([
  ...['id', 'type', 'source', 'subject', 'time', 'specversion', 'datacontenttype', 'dataschema'],
  ...['tenant', 'version', 'sequence', 'correlationid', 'causationid', 'actor', 'traceparent', 'tracestate'],
])

const countEntries = (metadata: unknown, context: z.RefinementCtx): unknown => {
  const isCountable = typeof metadata === 'object' && metadata !== null
  if (isCountable && Object.keys(metadata).length > MAX_ENTRIES)
    context.addIssue(`At most ${MAX_ENTRIES} entries`)
  return metadata
}

const nameField = z
  .string()
  .regex(/^[a-z][a-z0-9]{0,19}$/)
  .refine((name) => !RESERVED.has(name), 'This name belongs to every event')
  .meta({ not: { enum: [...RESERVED] } })

/**
 * CloudEvents extension attributes: they travel as `ce_<name>` headers (lower-case letters and digits, at most 20). Counted
 * before they are looked at: each bad name costs more than all there may be.
 */
export const metadataField = z.preprocess(
  countEntries,
  z.record(nameField, textField.max(256)).meta({ maxProperties: MAX_ENTRIES }),
)
