import { z } from 'zod'
import type { CommandOf } from '../context.ts'
import { amountField, currencyField, idField, textField } from '../fields.ts'
import { totalAmount, totalQuantity } from './totals.ts'

const MAX_LINES = 100

const lineBody = z.strictObject({
  productId: idField,
  quantity: z.int().min(1),
  /** Of the whole line, not of one piece. */
  amount: amountField,
})

const linesField = z
  .array(lineBody)
  .min(1)
  .max(MAX_LINES)
  .refine((lines) => Number.isSafeInteger(totalAmount(lines)), 'The total of the lines must stay below 2^53')
  .refine((lines) => Number.isSafeInteger(totalQuantity(lines)), 'The total quantity must stay below 2^53')

export const orderCommands = {
  place: z.strictObject({ customerId: idField, currency: currencyField, lines: linesField }),
  pay: z.strictObject({ method: textField }),
  ship: z.strictObject({ carrier: textField, trackingId: idField.optional() }),
  deliver: z.strictObject({}),
  cancel: z.strictObject({ reason: textField }),
  return: z.strictObject({ reason: textField }),
}

export type OrderCommand = CommandOf<typeof orderCommands>
