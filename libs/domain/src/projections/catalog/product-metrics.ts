/*
 * How each version of a product sells: a stream-table join of orders with the catalog. A partial keeps both sides as
 * they are, and they are joined when somebody reads, by event time: whichever topic is ahead, the answer is the same.
 *
 * It counts orders as they were placed. Cancellations and returns name no lines, so they take nothing away;
 * `customer-dashboard` and `revenue-by-day` have what was given back.
 */
import { type ProductEventType, productTopic } from '../../catalog/events.ts'
import { orderTopic } from '../../orders/events.ts'
import { defineGroupedProjection } from '../define-projection.ts'
import type { Document, Place, ProjectedEvent } from '../projection.ts'
import { addExactly } from '../sums.ts'
import { dayOf } from '../windows.ts'
import {
  addTotals,
  byVersion,
  noSales,
  salesByVersion,
  type ProductChange,
  type Sale,
} from './sales-by-version.ts'

export type ProductMetrics = {
  readonly productId: string
  /** In order of (from, version). */
  readonly changes: readonly ProductChange[]
  /** In order of (at, currency), with one entry for each. */
  readonly sales: readonly Sale[]
}

type HandledEvent = ProjectedEvent<'OrderPlaced' | ProductEventType>

const placesOf = (event: HandledEvent): Place[] => {
  const keys = event.type === 'OrderPlaced' ? event.data.lines.map(({ productId }) => productId) : [event.key]
  return [...new Set(keys)].map((key) => ({ key, part: dayOf(event.occurredAt) }))
}

const partialOf = (event: HandledEvent, { key }: Place): ProductMetrics =>
  event.type === 'OrderPlaced'
    ? { productId: key, changes: [], sales: [saleOf(event, key)] }
    : { productId: key, changes: [changeOf(event)], sales: [] }

/** An order counts once, however many of its lines have the product. */
const saleOf = ({ data, occurredAt }: ProjectedEvent<'OrderPlaced'>, product: string): Sale => {
  const lines = data.lines.filter(({ productId }) => productId === product)
  return {
    at: occurredAt,
    currency: data.currency,
    orders: 1,
    quantity: lines.map(({ quantity }) => quantity).reduce(addExactly),
    amount: lines.map(({ amount }) => amount).reduce(addExactly),
  }
}

const changeOf = (event: ProjectedEvent<ProductEventType>): ProductChange => {
  const unchanged = {
    version: event.version,
    from: event.occurredAt,
    name: null,
    category: null,
    price: null,
    retired: false,
  }
  switch (event.type) {
    case 'ProductAdded': {
      const { name, category, price } = event.data
      return { ...unchanged, name, category, price }
    }
    case 'ProductRepriced':
      return { ...unchanged, price: event.data.price }
    case 'ProductRetired':
      return { ...unchanged, retired: true }
  }
}

const merge = (one: ProductMetrics, other: ProductMetrics): ProductMetrics => ({
  productId: one.productId,
  changes: [...one.changes, ...other.changes].sort((a, b) => a.from - b.from || a.version - b.version),
  sales: mergeSales(one.sales, other.sales),
})

const mergeSales = (one: readonly Sale[], other: readonly Sale[]): Sale[] => {
  const sales = [...one, ...other]
  // As a rule a sale comes after all that are there: a busy day need not be sorted for each of its sales.
  if (isBefore(one.at(-1), other[0])) return sales
  const merged: Sale[] = []
  for (const sale of sales.sort(compareSales)) {
    const last = merged.at(-1)
    if (last && compareSales(last, sale) === 0) merged[merged.length - 1] = join(last, sale)
    else merged.push(sale)
  }
  return merged
}

const isBefore = (one: Sale | undefined, other: Sale | undefined): boolean =>
  !one || !other || compareSales(one, other) < 0

const compareSales = (one: Sale, other: Sale): number =>
  one.at - other.at || Number(one.currency > other.currency) - Number(one.currency < other.currency)

const join = (one: Sale, other: Sale): Sale => ({
  ...one,
  orders: addExactly(one.orders, other.orders),
  quantity: addExactly(one.quantity, other.quantity),
  amount: addExactly(one.amount, other.amount),
})

/** What it is called and costs now is what its last version says, as for the rules of the catalog. */
const view = ({ productId, changes, sales }: ProductMetrics): Document => {
  const ordered = byVersion(changes)
  const current = <Field extends 'name' | 'category' | 'price'>(field: Field): ProductChange[Field] =>
    ordered.findLast((change) => change[field] !== null)?.[field] ?? null
  const versions = salesByVersion(changes, sales)
  return {
    productId,
    name: current('name'),
    category: current('category'),
    price: current('price'),
    retired: changes.some(({ retired }) => retired),
    totals: versions.reduce(addTotals, noSales),
    versions,
  }
}

/** A day of a product is one partial, so a best-seller's stay small. */
export const productMetrics = defineGroupedProjection({
  name: 'product-metrics',
  version: 'v1',
  sources: [orderTopic, productTopic],
  events: ['OrderPlaced', 'ProductAdded', 'ProductRepriced', 'ProductRetired'],
  placesOf,
  partialOf,
  merge,
  view,
})
