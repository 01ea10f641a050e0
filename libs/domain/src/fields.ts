import { z } from 'zod'

// Not `.` and `..`: clients take them for steps in the path and never send them.
const ID_PATTERN = /^(?!\.{1,2}$)[A-Za-z0-9._:@~-]{1,128}$/
// Lone surrogates are refused with the control characters: they have no UTF-8 form and would not survive Avro.
const TEXT_PATTERN = /^[^\p{Cc}\p{Cs}]*$/u
// The last instant that RFC 3339, the form of times in Kafka headers, can write.
const LAST_TIME_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** Names an aggregate, customer, product or parcel; safe in a URL segment, a Kafka key and a stream name. */
export const idField = z.string().regex(ID_PATTERN)

export const textField = z.string().min(1).max(500).regex(TEXT_PATTERN)

/** UTC milliseconds. */
export const timeField = z.int().min(0).max(LAST_TIME_MS)

/** ISO 4217 by shape only: which currencies exist changes more often than this code. */
export const currencyField = z.string().regex(/^[A-Z]{3}$/)

/** Integer minor units; `z.int()` keeps to what a double holds exactly (below 2^53). */
export const amountField = z.int().min(0)

export const moneyField = z.strictObject({ amount: amountField, currency: currencyField })
