import { MAX_LONG } from '@millrace/events'
import { z } from 'zod'
import type { CommandOf } from '../context.ts'
import { amountField, countField, currencyField, idField, textField } from '../fields.ts'
import { totalAmount, totalQuantity } from './totals.ts'

const MAX_LINES = 100

const lineBody = z.strictObject({
  productId: idField,
  quantity: countField.min(1),
  /** Of the whole line, not of one piece. */
  amount: amountField,
})

const linesField = z
  .array(lineBody)
  .min(1)
  .max(MAX_LINES)
  .refine((lines) => totalAmount(lines) <= MAX_LONG, `The total of the lines may be at most ${MAX_LONG}`)
  .refine((lines) => totalQuantity(lines) <= MAX_LONG, `The total quantity may be at most ${MAX_LONG}`)

export const orderCommands = {
  place: z.strictObject({ customerId: idField, currency: currencyField, lines: linesField }),
  pay: z.strictObject({ method: textField }),
  ship: z.strictObject({ carrier: textField, trackingId: idField.optional() }),
  deliver: z.strictObject({}),
  cancel: z.strictObject({ reason: textField }),
  return: z.strictObject({ reason: textField }),
}

export type OrderCommand = CommandOf<typeof orderCommands>
