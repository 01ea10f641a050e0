/*
 * The join of what was sold with what the catalog said at that time. Each event of the catalog makes a version of the
 * product: its price is that of the version, so what an event leaves unsaid comes from the versions below. Which one
 * is valid at an instant is a question of time: the last that began by then, by (from, version). Imports give events
 * times of their own choosing, so the two orders may differ, and each answers its own question.
 */
import type { Money } from '@millrace/events'
import { addExactly, addSums, sumsOf, type Sums } from '../sums.ts'

/** What one event of the catalog says; null for what it leaves as it was. */
export type ProductChange = {
  readonly version: number
  readonly from: number
  readonly name: string | null
  readonly category: string | null
  readonly price: Money | null
  readonly retired: boolean
}

/** What was placed at one instant in one currency. */
export type Sale = {
  readonly at: number
  readonly currency: string
  readonly orders: number
  readonly quantity: number
  readonly amount: number
}

/** Of orders as they were placed: what the product was in, how many pieces, for how much. */
export type SalesTotals = { readonly orders: number; readonly quantity: number; readonly ordered: Sums }

type ProductVersion = Pick<ProductChange, 'version' | 'from' | 'price'>

export type VersionSales = SalesTotals & {
  /** All three are null for sales from before the first version the catalog has. */
  readonly version: number | null
  readonly from: number | null
  readonly price: Money | null
  /** What as many pieces cost at that price; null without one, or where numbers stop being exact. */
  readonly atListPrice: Money | null
}

/** In order of validity. The sales must be in order of time. */
export const salesByVersion = (changes: readonly ProductChange[], sales: readonly Sale[]): VersionSales[] => {
  const versions = versionsOf(changes).sort(
    (one, other) => one.from - other.from || one.version - other.version,
  )
  const soldIn = Map.groupBy(sales, makeValidAt(versions))
  const unknown = soldIn.get(null)
  return [
    ...(unknown ? [{ version: null, from: null, price: null, ...totalsOf(unknown), atListPrice: null }] : []),
    ...versions.map((version) => withSales(version, totalsOf(soldIn.get(version) ?? []))),
  ]
}

const versionsOf = (changes: readonly ProductChange[]): ProductVersion[] => {
  let price: Money | null = null
  return byVersion(changes).map((change) => {
    price = change.price ?? price
    return { version: change.version, from: change.from, price }
  })
}

export const byVersion = (changes: readonly ProductChange[]): ProductChange[] =>
  changes.toSorted((one, other) => one.version - other.version)

/** For sales in order of time: each goes on from where the one before was. */
const makeValidAt = (versions: readonly ProductVersion[]) => {
  let begun = 0
  return ({ at }: Sale): ProductVersion | null => {
    while ((versions[begun]?.from ?? Infinity) <= at) begun += 1
    return versions[begun - 1] ?? null
  }
}

const withSales = (version: ProductVersion, totals: SalesTotals): VersionSales => ({
  ...version,
  ...totals,
  atListPrice: version.price && times(version.price, totals.quantity),
})

const times = ({ amount, currency }: Money, quantity: number): Money | null => {
  const product = amount * quantity
  return Number.isSafeInteger(product) ? { amount: product, currency } : null
}

const totalsOf = (sales: readonly Sale[]): SalesTotals => ({
  orders: sales.map(({ orders }) => orders).reduce(addExactly, 0),
  quantity: sales.map(({ quantity }) => quantity).reduce(addExactly, 0),
  ordered: [...Map.groupBy(sales, ({ currency }) => currency)]
    .map(([currency, of]) =>
      sumsOf({ currency, amount: of.map(({ amount }) => amount).reduce(addExactly, 0) }),
    )
    .reduce(addSums, {}),
})

export const addTotals = (one: SalesTotals, other: SalesTotals): SalesTotals => ({
  orders: addExactly(one.orders, other.orders),
  quantity: addExactly(one.quantity, other.quantity),
  ordered: addSums(one.ordered, other.ordered),
})

export const noSales: SalesTotals = { orders: 0, quantity: 0, ordered: {} }
