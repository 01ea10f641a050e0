import type { Money } from '@millrace/events'

/** Amounts in minor units by currency, in alphabetical order and none of them 0: equal sums are equal texts. */
export type Sums = { readonly [currency: string]: number }

export const sumsOf = ({ amount, currency }: Money): Sums => (amount === 0 ? {} : { [currency]: amount })

/** Throws a RangeError where numbers stop being exact: an event that is parked can be mended, a lost cent cannot. */
export const addExactly = (one: number, other: number): number => {
  const sum = one + other
  if (!Number.isSafeInteger(sum)) throw new RangeError(`${one} and ${other} have no exact sum`)
  return sum
}

/** Throws a RangeError when an amount would no longer be exact. */
export const addSums = (one: Sums, other: Sums): Sums => {
  const currencies = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort()
  const sums = currencies.map((currency): [string, number] => [
    currency,
    addExactly(one[currency] ?? 0, other[currency] ?? 0),
  ])
  return Object.fromEntries(sums.filter(([, amount]) => amount !== 0))
}
