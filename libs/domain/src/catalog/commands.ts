import { z } from 'zod'
import type { CommandOf } from '../context.ts'
import { moneyField, textField } from '../fields.ts'

export const productCommands = {
  add: z.strictObject({ name: textField, category: textField, price: moneyField }),
  reprice: z.strictObject({ price: moneyField }),
  retire: z.strictObject({}),
}

export type ProductCommand = CommandOf<typeof productCommands>
