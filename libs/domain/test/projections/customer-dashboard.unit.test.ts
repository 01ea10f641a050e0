import { describe, it } from '@jest/globals'
import { customerDashboard } from '@millrace/domain'
import {
  ORDER_TOTAL,
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

const EUR = ORDER_TOTAL.amount
const nothing = { placed: 0, paid: 0, shipped: 0, delivered: 0, cancelled: 0, returned: 0 }
const at = (seconds: number) => RECORDED_AT_MS + seconds * 1000

describe('customer-dashboard', () => {
  it('adds up what all orders of a customer are', () => {
    givenEvents(customerDashboard, [
      ...recordedStream([orderPlaced(), orderPaid(), orderShipped()], { key: 'o-1' }),
      ...recordedStream([orderPlaced({ currency: 'CHF' })], { key: 'o-2', sequence: 3 }),
    ]).thenDocument({
      customerId: 'c-1',
      ...nothing,
      placed: 2,
      paid: 1,
      shipped: 1,
      ordered: { CHF: EUR, EUR },
      spent: { EUR },
      firstEventAt: at(0),
      lastEventAt: at(2),
    })
  })

  it('takes back what a paid order cost when it is returned', () => {
    const returned = orderReturned({ paidAt: at(1) })
    givenEvents(
      customerDashboard,
      recordedStream([orderPlaced(), orderPaid(), orderShipped(), orderDelivered(), returned]),
    ).thenDocument({
      customerId: 'c-1',
      ...nothing,
      placed: 1,
      paid: 1,
      shipped: 1,
      delivered: 1,
      returned: 1,
      ordered: { EUR },
      spent: {},
      firstEventAt: at(0),
      lastEventAt: at(4),
    })
  })

  it('takes nothing back for an order that was never paid', () => {
    givenEvents(
      customerDashboard,
      recordedStream([orderPlaced(), orderCancelled({ paidAt: null })]),
    ).thenDocument({
      customerId: 'c-1',
      ...nothing,
      placed: 1,
      cancelled: 1,
      ordered: { EUR },
      spent: {},
      firstEventAt: at(0),
      lastEventAt: at(1),
    })
  })

  it('keeps customers apart', () => {
    const ofOne = {
      ...nothing,
      placed: 1,
      ordered: { EUR },
      spent: {},
      firstEventAt: at(0),
      lastEventAt: at(0),
    }
    givenEvents(customerDashboard, [
      ...recordedStream([orderPlaced({ customerId: 'c-1' })], { key: 'o-1' }),
      ...recordedStream([orderPlaced({ customerId: 'c-2' })], { key: 'o-2', sequence: 1 }),
    ]).thenDocuments({
      'demo/c-1': { customerId: 'c-1', ...ofOne },
      'demo/c-2': { customerId: 'c-2', ...ofOne },
    })
  })
})
