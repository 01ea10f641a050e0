import { MAX_LONG } from '@millrace/events'
import { z } from 'zod'

// Not `.` and `..`: clients take them for steps in the path and never send them.
const ID = String.raw`(?!\.{1,2}$)[A-Za-z0-9._:@~-]{1,128}$`
const ID_RULE = '1 to 128 characters of A-Z a-z 0-9 . _ : @ ~ -, and be neither . nor ..'
const ID_PATTERN = new RegExp(`^${ID}`)
// Whether there is such a category is another question.
const STREAM_PATTERN = new RegExp(String.raw`^[A-Za-z0-9._:@~$]{1,64}(?:-${ID}|$)`)
// Written out, because the schemas are published and \p{Cc} means nothing to the patterns of other languages.
// eslint-disable-next-line no-control-regex -- because control characters are what it is about
const TEXT_PATTERN = /^[^\x00-\x1f\x7f-\x9f]*$/
// The last instant that RFC 3339, the form of times in Kafka headers, can write.
const LAST_TIME_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** Names an aggregate, customer, product or parcel; safe in a URL segment, a Kafka key and a stream name. */
export const idField = z.string().regex(ID_PATTERN, `must have ${ID_RULE}`)

/** What can be the name of a stream; one that cannot is never looked for. */
export const streamField = z
  .string()
  .regex(
    STREAM_PATTERN,
    `must be a stream such as orders.order-o-17: its id, behind the first dash, must have ${ID_RULE}`,
  )
  .describe('For example `orders.order-o-17`.')

/** Without lone surrogates: they have no UTF-8 form and would not survive Avro. */
export const textField = z
  .string()
  .min(1)
  .max(500)
  .regex(TEXT_PATTERN, 'must have no control characters')
  .refine((text) => text.isWellFormed(), 'must be well-formed Unicode')

/** UTC milliseconds. */
export const timeField = z.int().min(0).max(LAST_TIME_MS)

/** ISO 4217 by shape only: which currencies exist changes more often than this code. */
export const currencyField = z.string().regex(/^[A-Z]{3}$/)

const TOO_LARGE = `The largest number that an event can have is ${MAX_LONG}`

/** A whole number that an event can have: what is accepted can be written. */
export const countField = z.int().min(0).max(MAX_LONG, TOO_LARGE)

/** Integer minor units. */
export const amountField = countField

export const moneyField = z.strictObject({ amount: amountField, currency: currencyField })
