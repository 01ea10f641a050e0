/*
 * Few customers, products and currencies, and instants that coincide: in grouped documents the events of different
 * streams meet. An import may give any event any time, so the times of a stream are in no order.
 */
import {
  type OrderCommand,
  type OrderEvent,
  type ProductCommand,
  type ProductEvent,
  catalog,
  orders,
} from '@millrace/domain'
import type { RecordedEvent } from '@millrace/events'
import { recordedStream } from '@millrace/testkit'
import fc from 'fast-check'
import { eventsOf } from '../context-laws.ts'

const MINUTE_MS = 60_000
/** Soon a month ends, and with it a day. */
const FROM_MS = Date.UTC(2026, 1, 1) - 3 * 60 * MINUTE_MS

const anyInstant = fc.oneof(
  fc.nat(36).map((steps) => FROM_MS + steps * 10 * MINUTE_MS),
  fc.nat(6 * 60 * MINUTE_MS).map((offset) => FROM_MS + offset),
)
/** The sum of all orders stays exact. */
const anyAmount = fc.oneof(fc.constant(0), fc.nat(10_000), fc.nat(2 ** 40))
const anyCurrency = fc.constantFrom('EUR', 'CHF')
const productIds = ['p-1', 'p-2', 'p-3']

const orderCommand = <Type extends OrderCommand['type'], Body>(type: Type, body: fc.Arbitrary<Body>) =>
  fc.record({ type: fc.constant(type), id: fc.constant('o'), at: anyInstant, body })

const anyLine = fc.record({
  productId: fc.constantFrom(...productIds),
  quantity: fc.integer({ min: 1, max: 2 ** 31 }),
  amount: anyAmount,
})

/** Rejected commands write nothing, so each of these is a life that an order can have. */
const anyOrder: fc.Arbitrary<OrderEvent[]> = fc
  .tuple(
    orderCommand(
      'place',
      fc.record({
        customerId: fc.constantFrom('c-1', 'c-2'),
        currency: anyCurrency,
        lines: fc.array(anyLine, { minLength: 1, maxLength: 4 }),
      }),
    ),
    fc.tuple(
      orderCommand('pay', fc.constant({ method: 'card' })),
      orderCommand('ship', fc.constant({ carrier: 'DHL' })),
      orderCommand('deliver', fc.constant({})),
      orderCommand('return', fc.constant({ reason: 'too small' })),
    ),
    fc.nat(4),
    fc.option(orderCommand('cancel', fc.constant({ reason: 'changed my mind' }))),
  )
  .map(([place, later, length, cancel]) =>
    eventsOf(orders, [place, ...later.slice(0, length), ...(cancel ? [cancel] : [])]),
  )

const productCommand = <Type extends ProductCommand['type'], Body>(type: Type, body: fc.Arbitrary<Body>) =>
  fc.record({ type: fc.constant(type), id: fc.constant('p'), at: anyInstant, body })

/** A plain object, as a decoded one is: it goes into documents. */
const anyPrice = fc.record({ amount: anyAmount, currency: anyCurrency }, { noNullPrototype: true })

const anyProduct: fc.Arbitrary<ProductEvent[]> = fc
  .tuple(
    productCommand('add', fc.record({ name: fc.string(), category: fc.string(), price: anyPrice })),
    fc.array(productCommand('reprice', fc.record({ price: anyPrice })), { maxLength: 4 }),
    fc.option(productCommand('retire', fc.constant({}))),
  )
  .map(([add, reprices, retire]) => eventsOf(catalog, [add, ...reprices, ...(retire ? [retire] : [])]))

const recordedAs = (prefix: string, streams: readonly (OrderEvent | ProductEvent)[][]): RecordedEvent[] =>
  streams.flatMap((events, index) => recordedStream(events, { key: `${prefix}-${index + 1}` }))

/** The events of some orders and of some of the products in them, stream by stream. */
export const anyShopHistory: fc.Arbitrary<RecordedEvent[]> = fc
  .tuple(fc.array(anyOrder, { maxLength: 6 }), fc.array(anyProduct, { maxLength: productIds.length }))
  .map(([orderStreams, productStreams]) => [
    ...recordedAs('o', orderStreams),
    ...recordedAs('p', productStreams),
  ])
