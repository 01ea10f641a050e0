import { describe, expect, it } from '@jest/globals'
import { type OrderCommand, type OrderRejection, type OrderStatus, orders } from '@millrace/domain'
import {
  GIVEN_AT_MS,
  ORDER_TOTAL,
  given,
  orderCancelled,
  orderDelivered,
  orderPaid,
  orderPlaced,
  orderReturned,
  orderShipped,
} from '@millrace/testkit'
import { order, orderHistories } from './order-histories.ts'

const { absent, placed, paid, shipped, delivered, cancelled } = orderHistories
const lines = [
  { productId: 'p-1', quantity: 2, amount: 1998 },
  { productId: 'p-2', quantity: 1, amount: 500 },
]

const place = order('place', { customerId: 'c-1', currency: 'EUR', lines })
const pay = order('pay', { method: 'card' })
const ship = order('ship', { carrier: 'DHL', trackingId: 'T-1' })
const deliver = order('deliver', {})
const cancel = order('cancel', { reason: 'changed my mind' })
const returnGoods = order('return', { reason: 'too small' })

// When the order of the given history was paid: its second event.
const paidAt = GIVEN_AT_MS + 1000

describe('an order', () => {
  it('is placed with its lines', () =>
    given(orders, absent)
      .when(place)
      .then([orderPlaced({ lines })]))

  it('is paid in full once it is placed', () =>
    given(orders, placed)
      .when(pay)
      .then([orderPaid({ total: ORDER_TOTAL })]))

  it('is shipped once it is paid', () => given(orders, paid).when(ship).then([orderShipped()]))

  it('is shipped without a tracking id when the carrier gives none', () =>
    given(orders, paid)
      .when(order('ship', { carrier: 'courier' }))
      .then([orderShipped({ carrier: 'courier', trackingId: null })]))

  it('is delivered once it is shipped', () => given(orders, shipped).when(deliver).then([orderDelivered()]))

  it('is cancelled before it is paid, with nothing to pay back', () =>
    given(orders, placed)
      .when(cancel)
      .then([orderCancelled({ paidAt: null })]))

  it('is cancelled after it is paid, and the event tells when that was', () =>
    given(orders, paid)
      .when(cancel)
      .then([orderCancelled({ paidAt })]))

  it('is returned once it is delivered, and the event tells when it was paid', () =>
    given(orders, delivered)
      .when(returnGoods)
      .then([orderReturned({ paidAt })]))

  it('keeps the time it was paid by the event, whenever that was recorded', () =>
    given(orders, [orderPlaced(), { ...orderPaid(), occurredAt: 5 }])
      .when(cancel)
      .then([orderCancelled({ paidAt: 5 })]))

  it('takes customer and total from its own placing', () =>
    given(orders, [orderPlaced({ customerId: 'c-9', currency: 'JPY' })])
      .when(pay)
      .then([orderPaid({ customerId: 'c-9', total: { amount: 2498, currency: 'JPY' } })]))

  it('may cost nothing', () => {
    const free = [{ productId: 'p-1', quantity: 1, amount: 0 }]
    given(orders, [orderPlaced({ lines: free })])
      .when(pay)
      .then([orderPaid({ total: { amount: 0, currency: 'EUR' } })])
  })

  it('stays as it is when it is cancelled again', () => given(orders, cancelled).when(cancel).thenNothing())
})

// Every pair of command and status that has no test above.
const refusals: readonly (readonly [OrderCommand, OrderStatus, OrderRejection])[] = [
  [place, 'placed', 'order-already-placed'],
  [place, 'paid', 'order-already-placed'],
  [place, 'shipped', 'order-already-placed'],
  [place, 'delivered', 'order-already-placed'],
  [place, 'cancelled', 'order-already-placed'],
  [place, 'returned', 'order-already-placed'],
  [pay, 'absent', 'order-not-found'],
  [pay, 'paid', 'order-already-paid'],
  [pay, 'shipped', 'order-already-paid'],
  [pay, 'delivered', 'order-already-paid'],
  [pay, 'cancelled', 'order-cancelled'],
  [pay, 'returned', 'order-returned'],
  [ship, 'absent', 'order-not-found'],
  [ship, 'placed', 'order-not-paid'],
  [ship, 'shipped', 'order-already-shipped'],
  [ship, 'delivered', 'order-already-shipped'],
  [ship, 'cancelled', 'order-cancelled'],
  [ship, 'returned', 'order-returned'],
  [deliver, 'absent', 'order-not-found'],
  [deliver, 'placed', 'order-not-shipped'],
  [deliver, 'paid', 'order-not-shipped'],
  [deliver, 'delivered', 'order-already-delivered'],
  [deliver, 'cancelled', 'order-cancelled'],
  [deliver, 'returned', 'order-returned'],
  [cancel, 'absent', 'order-not-found'],
  [cancel, 'shipped', 'order-already-shipped'],
  [cancel, 'delivered', 'order-already-delivered'],
  [cancel, 'returned', 'order-returned'],
  [returnGoods, 'absent', 'order-not-found'],
  [returnGoods, 'placed', 'order-not-delivered'],
  [returnGoods, 'paid', 'order-not-delivered'],
  [returnGoods, 'shipped', 'order-not-delivered'],
  [returnGoods, 'cancelled', 'order-cancelled'],
  [returnGoods, 'returned', 'order-returned'],
]

describe('an order refuses', () => {
  const rows = refusals.map(([command, status, reason]) => ({ command, status, reason }))

  it.each(rows)('to $command.type when it is $status: $reason', ({ command, status, reason }) =>
    given(orders, orderHistories[status]).when(command).thenRejected(reason),
  )

  it('with every reason of its list, and no other', () => {
    // The last one is the say of an inline read model: see open-orders.unit.test.ts.
    const reasons = new Set<string>([...refusals.map(([, , reason]) => reason), 'too-many-open-orders'])
    expect(reasons).toEqual(new Set(orders.rejections))
  })

  it('to be placed again even by the same customer with the same lines', () =>
    given(orders, [orderPlaced({ lines })])
      .when(place)
      .thenRejected('order-already-placed'))
})
