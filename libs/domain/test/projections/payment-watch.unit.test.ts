import { describe, expect, it } from '@jest/globals'
import {
  type Document,
  type FieldCondition,
  ImpossibleEventError,
  type OrderEvent,
  PAYMENT_DUE_MS,
  type PaymentWatch,
  fold,
  orders,
  paymentStatuses,
  paymentWatch,
} from '@millrace/domain'
import {
  ORDER_TOTAL,
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

const PLACED_AT_MS = Date.UTC(2026, 0, 1)
const DUE_AT_MS = PLACED_AT_MS + PAYMENT_DUE_MS
const at = (occurredAt: number, event: OrderEvent) => ({ ...event, occurredAt })
const orderOf = (...events: OrderEvent[]) =>
  recordedStream<OrderEvent>([at(PLACED_AT_MS, orderPlaced()), ...events], { key: 'o-1' })

const open: PaymentWatch = {
  orderId: 'o-1',
  customerId: 'c-1',
  total: ORDER_TOTAL,
  placedAt: PLACED_AT_MS,
  dueAt: DUE_AT_MS,
  paidAt: null,
  cancelledAt: null,
  payment: 'open',
  orderStatus: 'placed',
  version: 1,
}
const paid = {
  ...open,
  paidAt: DUE_AT_MS,
  payment: 'paid',
  orderStatus: 'paid',
  version: 2,
} as const

describe('payment-watch', () => {
  it('waits for the payment until it is due, and then it is overdue', () => {
    givenEvents(paymentWatch, orderOf()).thenDocument(open)
    givenEvents(paymentWatch, orderOf()).thenView(DUE_AT_MS, { ...open, status: 'waiting' })
    givenEvents(paymentWatch, orderOf()).thenView(DUE_AT_MS + 1, { ...open, status: 'overdue' })
  })

  it('knows a payment in time from a late one, whenever somebody looks', () => {
    const events = orderOf(at(DUE_AT_MS, orderPaid()))
    givenEvents(paymentWatch, events).thenDocument(paid)
    givenEvents(paymentWatch, events).thenView(DUE_AT_MS + 1, { ...paid, status: 'paid' })
    const late = { ...paid, paidAt: DUE_AT_MS + 1, payment: 'paid-late' } as const
    givenEvents(paymentWatch, orderOf(at(DUE_AT_MS + 1, orderPaid()))).thenView(0, {
      ...late,
      status: 'paid-late',
    })
  })

  it('waits no longer for an order that was cancelled', () => {
    const cancelled = {
      ...open,
      cancelledAt: DUE_AT_MS,
      payment: 'cancelled',
      orderStatus: 'cancelled',
      version: 2,
    } as const
    const events = orderOf(at(DUE_AT_MS, orderCancelled()))
    givenEvents(paymentWatch, events).thenView(DUE_AT_MS + 1, { ...cancelled, status: 'cancelled' })
    givenEvents(
      paymentWatch,
      orderOf(at(DUE_AT_MS, orderPaid()), at(DUE_AT_MS, orderCancelled())),
    ).thenDocument({ ...cancelled, paidAt: DUE_AT_MS, version: 3 })
  })

  it('leaves a payment as it is when the order is shipped, delivered and returned', () => {
    const life = [at(DUE_AT_MS, orderPaid()), orderShipped(), orderDelivered(), orderReturned()]
    givenEvents(paymentWatch, orderOf(...life)).thenDocument({ ...paid, orderStatus: 'returned', version: 5 })
  })

  it.each([
    ['a second placing', [orderPlaced()]],
    ['a second payment', [orderPaid(), orderPaid()]],
    ['paying what is cancelled', [orderCancelled(), orderPaid()]],
    ['shipping what is not paid', [orderShipped()]],
    ['cancelling what is shipped', [orderPaid(), orderShipped(), orderCancelled()]],
    ['returning what is not delivered', [orderPaid(), orderReturned()]],
  ])('refuses %s', (_, events) => {
    givenEvents(paymentWatch, orderOf(...events)).thenImpossible()
  })

  it('refuses a payment without an order', () => {
    givenEvents(paymentWatch, recordedStream([orderPaid()])).thenImpossible()
  })

  it('agrees with the rules on every life an order can have, and on what cannot follow it', () => {
    fc.assert(
      fc.property(anyOrderCommands, (commands) => {
        const events = recordedStream<OrderEvent>(eventsOf(orders, commands))
        const document = foldOf(paymentWatch, events)
        expect(document?.orderStatus ?? 'absent').toBe(fold(orders.decider, events).status)
        for (const next of [orderPlaced(), orderPaid(), orderShipped(), orderDelivered(), orderCancelled()]) {
          const life = [...events, ...recordedStream<OrderEvent>([next], { version: events.length + 1 })]
          expect(isImpossible(() => foldOf(paymentWatch, life))).toBe(
            isImpossible(() => fold(orders.decider, life)),
          )
        }
      }),
    )
  })
})

const isImpossible = (work: () => unknown): boolean => {
  try {
    work()
    return false
  } catch (error) {
    if (error instanceof ImpossibleEventError) return true
    throw error
  }
}

describe('the status filter of payment-watch', () => {
  const { status } = paymentWatch.filters
  const conditionsOf = (value: string, nowMs: number) =>
    status?.operator === 'view' ? status.conditions(value, nowMs) : []

  const meets = (document: Document, condition: FieldCondition): boolean => {
    const value = document[condition.field]
    if ('is' in condition) return value === condition.is
    const { from = -Infinity, below = Infinity } = condition
    return Number(value) >= from && Number(value) < below
  }

  const statusesThatFind = (document: PaymentWatch, nowMs: number): string[] =>
    paymentStatuses.filter((value) =>
      conditionsOf(value, nowMs).every((condition) => meets(document, condition)),
    )

  it.each([
    ['waiting', [], DUE_AT_MS],
    ['overdue', [], DUE_AT_MS + 1],
    ['paid', [at(DUE_AT_MS, orderPaid())], DUE_AT_MS + 1],
    ['paid-late', [at(DUE_AT_MS + 1, orderPaid())], DUE_AT_MS],
    ['cancelled', [at(DUE_AT_MS, orderCancelled())], DUE_AT_MS + 1],
  ])('finds an order that is %s', (expected, later, nowMs) => {
    const document = foldOf(paymentWatch, orderOf(...later))
    expect(document && statusesThatFind(document, nowMs)).toEqual([expected])
  })

  it('finds exactly the documents whose view has that status', () => {
    fc.assert(
      fc.property(anyOrderCommands, fc.integer({ min: -2, max: 2 }), (commands, fromDueMs) => {
        const document = foldOf(paymentWatch, recordedStream<OrderEvent>(eventsOf(orders, commands)))
        if (document === null) return
        const nowMs = document.dueAt + fromDueMs
        const { status: shown } = paymentWatch.view(document, nowMs)
        expect(statusesThatFind(document, nowMs)).toEqual([shown])
      }),
    )
  })

  it('always asks for something', () => {
    for (const value of paymentStatuses) expect(conditionsOf(value, 0)).not.toEqual([])
  })
})
