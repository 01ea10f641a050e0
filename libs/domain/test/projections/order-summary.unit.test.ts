import { describe, expect, it } from '@jest/globals'
import { type OrderEvent, fold, orderSummary, orders } from '@millrace/domain'
import {
  RECORDED_AT_MS,
  givenEvents,
  orderCancelled,
  orderDelivered,
  orderPaid,
  orderPlaced,
  orderReturned,
  orderShipped,
  recordedStream,
} from '@millrace/testkit'
import fc from 'fast-check'
import { eventsOf } from '../context-laws.ts'
import { anyOrderCommands } from '../orders/order-commands.ts'
import { foldOf } from './fold-of.ts'

const atVersion = (version: number) => RECORDED_AT_MS + (version - 1) * 1000
const orderOf = (...events: OrderEvent[]) => recordedStream<OrderEvent>(events, { key: 'o-1' })

const placed = {
  orderId: 'o-1',
  customerId: 'c-1',
  status: 'placed',
  total: { amount: 2498, currency: 'EUR' },
  lineCount: 2,
  quantity: 3,
  placedAt: atVersion(1),
  version: 1,
} as const

describe('order-summary', () => {
  it('begins with the placing', () => {
    givenEvents(orderSummary, orderOf(orderPlaced())).thenDocument(placed)
  })

  it('follows an order to its return', () => {
    const events = orderOf(orderPlaced(), orderPaid(), orderShipped(), orderDelivered(), orderReturned())
    givenEvents(orderSummary, events).thenDocument({
      ...placed,
      status: 'returned',
      paidAt: atVersion(2),
      shippedAt: atVersion(3),
      deliveredAt: atVersion(4),
      returnedAt: atVersion(5),
      version: 5,
    })
  })

  it('says when an order was cancelled', () => {
    givenEvents(orderSummary, orderOf(orderPlaced(), orderCancelled())).thenDocument({
      ...placed,
      status: 'cancelled',
      cancelledAt: atVersion(2),
      version: 2,
    })
  })

  it('takes every time from the event itself', () => {
    const events = recordedStream<OrderEvent>(
      [
        { ...orderPlaced(), occurredAt: 500 },
        { ...orderPaid(), occurredAt: 400 },
      ],
      { key: 'o-1' },
    )
    givenEvents(orderSummary, events).thenDocument({
      ...placed,
      status: 'paid',
      placedAt: 500,
      paidAt: 400,
      version: 2,
    })
  })

  it('keeps orders, and tenants with the same order id, apart', () => {
    const ofTenant = (tenant: string, key: string, sequence: number) =>
      recordedStream([orderPlaced()], { tenant, key, sequence })
    givenEvents(orderSummary, [
      ...ofTenant('demo', 'o-1', 0),
      ...ofTenant('demo', 'o-2', 1),
      ...ofTenant('other', 'o-1', 2),
    ]).thenDocuments({
      'demo/o-1': placed,
      'demo/o-2': { ...placed, orderId: 'o-2' },
      'other/o-1': placed,
    })
  })

  it.each([
    ['a payment without an order', [orderPaid()]],
    ['a second placing', [orderPlaced(), orderPlaced()]],
    ['a second payment', [orderPlaced(), orderPaid(), orderPaid()]],
    ['shipping what is not paid', [orderPlaced(), orderShipped()]],
    ['paying what is cancelled', [orderPlaced(), orderCancelled(), orderPaid()]],
  ])('refuses %s', (_, events) => {
    givenEvents(orderSummary, orderOf(...events)).thenImpossible()
  })

  it('agrees with the rules on every life an order can have', () => {
    fc.assert(
      fc.property(anyOrderCommands, (commands) => {
        const events = recordedStream<OrderEvent>(eventsOf(orders, commands))
        const document = foldOf(orderSummary, events)
        expect(document?.status ?? 'absent').toBe(fold(orders.decider, events).status)
        expect(document?.version ?? 0).toBe(events.length)
      }),
    )
  })

  it('has the sum of the lines as its total', () => {
    fc.assert(
      fc.property(anyOrderCommands, (commands) => {
        const events = recordedStream<OrderEvent>(eventsOf(orders, commands))
        const lines = events.flatMap((event) => (event.type === 'OrderPlaced' ? event.data.lines : []))
        const sum = lines.reduce((total, { amount }) => total + BigInt(amount), 0n)
        const document = foldOf(orderSummary, events)
        expect(BigInt(document?.total.amount ?? 0)).toBe(sum)
        expect(document?.lineCount ?? 0).toBe(lines.length)
      }),
    )
  })
})
