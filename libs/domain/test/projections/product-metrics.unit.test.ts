import { describe, expect, it } from '@jest/globals'
import { type Document, productMetrics } from '@millrace/domain'
import type { DomainEvent, OrderPlaced, RecordedEvent } from '@millrace/events'
import {
  deliver,
  emptyReadModel,
  givenEvents,
  orderPlaced,
  productAdded,
  productRepriced,
  productRetired,
  recorded,
} from '@millrace/testkit'
import fc from 'fast-check'
import { anyShopHistory } from './shop-histories.ts'

const T0 = Date.UTC(2026, 0, 1)
const HOUR_MS = 60 * 60_000

const eur = (amount: number) => ({ amount, currency: 'EUR' })
const sold = (quantity: number, amount: number, productId = 'p-1') => ({ productId, quantity, amount })

const inOrder = (...events: RecordedEvent[]): RecordedEvent[] =>
  events.map((event, sequence) => ({ ...event, sequence }))
const ofProduct = (event: DomainEvent, version: number, occurredAt: number): RecordedEvent =>
  recorded<DomainEvent>(event, { key: 'p-1', version, occurredAt })
const placed = (key: string, occurredAt: number, data: Partial<OrderPlaced>): RecordedEvent =>
  recorded(orderPlaced(data), { key, occurredAt })

const added = ofProduct(productAdded({ price: eur(999) }), 1, T0)
const repriced = ofProduct(productRepriced({ price: eur(1099) }), 2, T0 + 2 * HOUR_MS)
const retired = ofProduct(productRetired(), 3, T0 + 4 * HOUR_MS)
const early = placed('o-1', T0 + 1, { lines: [sold(2, 1998)] })
const late = placed('o-2', T0 + 2 * HOUR_MS, { lines: [sold(1, 1000)] })

const whistle = { productId: 'p-1', name: 'Tin whistle', category: 'music' }
const nothing = { orders: 0, quantity: 0, ordered: {} }

describe('product-metrics', () => {
  const view = {
    ...whistle,
    price: eur(1099),
    retired: false,
    totals: { orders: 2, quantity: 3, ordered: { EUR: 2998 } },
    versions: [
      {
        version: 1,
        from: T0,
        price: eur(999),
        orders: 1,
        quantity: 2,
        ordered: { EUR: 1998 },
        atListPrice: eur(1998),
      },
      {
        version: 2,
        from: T0 + 2 * HOUR_MS,
        price: eur(1099),
        orders: 1,
        quantity: 1,
        ordered: { EUR: 1000 },
        atListPrice: eur(1099),
      },
    ],
  }

  it('joins each sale with the version of the product that was valid at its time', () => {
    givenEvents(productMetrics, inOrder(added, early, repriced, late)).thenView(0, view)
  })

  it('gives the same answer when the orders are ahead of the catalog, or far behind it', () => {
    givenEvents(productMetrics, inOrder(late, early, added, repriced)).thenView(0, view)
    givenEvents(productMetrics, inOrder(added, repriced, late, early)).thenView(0, view)
  })

  it('counts sales that no version covers apart', () => {
    const unknown = { version: null, from: null, price: null, atListPrice: null }
    const before = placed('o-1', T0 - 1, { lines: [sold(1, 5)], currency: 'CHF' })
    givenEvents(productMetrics, inOrder(before)).thenView(0, {
      productId: 'p-1',
      name: null,
      category: null,
      price: null,
      retired: false,
      totals: { orders: 1, quantity: 1, ordered: { CHF: 5 } },
      versions: [{ ...unknown, orders: 1, quantity: 1, ordered: { CHF: 5 } }],
    })
    givenEvents(productMetrics, inOrder(before, added)).thenView(0, {
      ...whistle,
      price: eur(999),
      retired: false,
      totals: { orders: 1, quantity: 1, ordered: { CHF: 5 } },
      versions: [
        { ...unknown, orders: 1, quantity: 1, ordered: { CHF: 5 } },
        { version: 1, from: T0, price: eur(999), ...nothing, atListPrice: eur(0) },
      ],
    })
  })

  it('keeps the last price of a product that is retired', () => {
    const [document] = documentsOf(inOrder(added, repriced, retired))
    const seen = document && productMetrics.view(document, 0)
    expect(seen).toMatchObject({ price: eur(1099), retired: true })
    expect(versionsOf(seen).at(-1)).toMatchObject({ version: 3, price: eur(1099) })
  })

  it('takes the higher version when two begin at one instant', () => {
    const together = ofProduct(productRepriced({ price: eur(1) }), 2, T0)
    const [document] = documentsOf(inOrder(together, early, added))
    expect(versionsOf(document && productMetrics.view(document, 0))).toMatchObject([
      { version: 1, ...nothing },
      { version: 2, orders: 1, atListPrice: eur(2) },
    ])
  })

  it('goes by time for sales and by version for the current price when an import has them apart', () => {
    const backdated = ofProduct(productRepriced({ price: eur(500) }), 2, T0 - HOUR_MS)
    const before = placed('o-9', T0 - 1, { lines: [sold(1, 500)] })
    const [document] = documentsOf(inOrder(added, backdated, early, before))
    const seen = document && productMetrics.view(document, 0)
    expect(seen).toMatchObject({ price: eur(500), name: 'Tin whistle' })
    expect(versionsOf(seen)).toMatchObject([
      { version: 2, orders: 1, ordered: { EUR: 500 } },
      { version: 1, orders: 1, ordered: { EUR: 1998 } },
    ])
  })

  it('counts an order once that has the product in several lines, and each product of an order', () => {
    const order = placed('o-1', T0, { lines: [sold(1, 10), sold(2, 30, 'p-2'), sold(3, 20)] })
    const [first, second] = documentsOf(inOrder(order)).map((document) => productMetrics.view(document, 0))
    expect(first).toMatchObject({ totals: { orders: 1, quantity: 4, ordered: { EUR: 30 } } })
    expect(second).toMatchObject({ totals: { orders: 1, quantity: 2, ordered: { EUR: 30 } } })
  })

  it('keeps a partial per day, in which sales at one instant are one entry', () => {
    const sales = ['o-1', 'o-2', 'o-3'].map((key) => placed(key, T0, { lines: [sold(1, 5)] }))
    const nextDay = placed('o-4', T0 + 24 * HOUR_MS, { lines: [sold(1, 5)] })
    const { partials } = deliver(productMetrics, emptyReadModel, inOrder(...sales, nextDay))
    const parts = [...(partials.get('demo/p-1') ?? [])]
    expect(parts.map(([part]) => part)).toEqual(['2026-01-01', '2026-01-02'])
    expect(parts[0]?.[1].sales).toEqual([{ at: T0, currency: 'EUR', orders: 3, quantity: 3, amount: 15 }])
  })

  it('says no list price that would not be exact', () => {
    const many = placed('o-1', T0, { lines: [sold(2 ** 50, 1)] })
    const [document] = documentsOf(inOrder(added, many))
    expect(versionsOf(document && productMetrics.view(document, 0))).toMatchObject([{ atListPrice: null }])
  })

  it('loses no sale and counts none twice', () => {
    fc.assert(
      fc.property(anyShopHistory, (events) => {
        for (const document of documentsOf(inOrder(...events))) {
          const versions = versionsOf(productMetrics.view(document, 0))
          expect(versions.map(({ version, orders }) => ({ version, orders }))).toEqual(
            naively(document.productId, events),
          )
        }
      }),
    )
  })
})

const documentsOf = (events: readonly RecordedEvent[]) => [
  ...deliver(productMetrics, emptyReadModel, events).documents.values(),
]

type SeenVersion = { readonly version: number | null; readonly orders: number }

const versionsOf = (view: Document | undefined): readonly SeenVersion[] =>
  (view?.['versions'] ?? []) as readonly SeenVersion[]

/** Each order by itself, looked up in the whole catalog. */
const naively = (product: string, events: readonly RecordedEvent[]): SeenVersion[] => {
  const versions = events
    .filter(({ key }) => key === product)
    .sort((one, other) => one.occurredAt - other.occurredAt || one.version - other.version)
  const sales = events.flatMap((event) =>
    event.type === 'OrderPlaced' && event.data.lines.some(({ productId }) => productId === product)
      ? [versions.findLast(({ occurredAt }) => occurredAt <= event.occurredAt)?.version ?? null]
      : [],
  )
  return [null, ...versions.map(({ version }) => version)]
    .map((version) => ({ version, orders: sales.filter((sale) => sale === version).length }))
    .filter(({ version, orders }) => version !== null || orders > 0)
}
