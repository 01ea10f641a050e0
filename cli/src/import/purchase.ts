import { z } from 'zod'

/** A row of a purchase file: who, when, how many, for how much. */
export type Purchase = {
  readonly customerId: string
  /** Calendar day, YYYY-MM-DD. */
  readonly date: string
  readonly quantity: number
  /** Of the whole purchase, in cents. */
  readonly amount: number
}

export type ParsedRow =
  | { readonly type: 'purchase'; readonly purchase: Purchase }
  | { readonly type: 'fault'; readonly reason: string }

export const COLUMNS = ['customer_id', 'date', 'quantity', 'amount_usd'] as const

/** Dollars with at most two decimals, read digit by digit: 11.77 * 100 is not 1177 in binary. */
export const parseCents = (text: string): number | undefined => {
  const match = /^(\d{1,12})(?:\.(\d{1,2}))?$/.exec(text)
  return match ? Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0')) : undefined
}

const textOf = (column: (typeof COLUMNS)[number]) => z.string(`${column} is missing`)

const rowSchema = z.object({
  customer_id: textOf('customer_id').regex(
    /^[A-Za-z0-9._-]{1,64}$/,
    'customer_id must have 1 to 64 letters, digits, dots or dashes',
  ),
  date: z.iso.date('date must be a day such as 1997-01-31'),
  quantity: textOf('quantity')
    .regex(/^[1-9]\d{0,8}$/, 'quantity must be a whole number from 1')
    .transform(Number),
  amount_usd: textOf('amount_usd').transform((text, context) => {
    const cents = parseCents(text)
    if (cents !== undefined) return cents
    context.addIssue({ code: 'custom', message: 'amount_usd must be dollars such as 11.77, not negative' })
    return z.NEVER
  }),
})

export const parseRow = (row: Readonly<Record<string, string>>): ParsedRow => {
  const parsed = rowSchema.safeParse(row)
  if (!parsed.success)
    return { type: 'fault', reason: parsed.error.issues.map((issue) => issue.message).join('; ') }
  const { customer_id: customerId, date, quantity, amount_usd: amount } = parsed.data
  return { type: 'purchase', purchase: { customerId, date, quantity, amount } }
}

/**
 * Ids for purchases in file order: `cdnow-<customer>-<date>-<n-th of that customer and day>`. The same file gives
 * the same ids, so importing it again repeats the same requests. Keeps one counter per customer and day.
 */
export const makeOrderIds = () => {
  const counts = new Map<string, number>()
  return ({ customerId, date }: Purchase): string => {
    const day = `${customerId}-${date}`
    const n = (counts.get(day) ?? 0) + 1
    counts.set(day, n)
    return `cdnow-${day}-${n}`
  }
}
