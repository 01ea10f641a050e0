import { describe, expect, it } from '@jest/globals'
import { MAX_OPEN_ORDERS, openOrders, orders } from '@millrace/domain'
import { givenEvents, orderCancelled, orderPaid, orderPlaced, recorded } from '@millrace/testkit'

const placed = (key: string, customerId: string, sequence: number) =>
  recorded(orderPlaced({ customerId }), { key, sequence })

describe('open orders', () => {
  it('counts the unpaid orders of each customer', () => {
    givenEvents(openOrders, [
      placed('o-1', 'c-1', 0),
      placed('o-2', 'c-1', 1),
      placed('o-3', 'c-2', 2),
    ]).thenDocuments({
      'demo/c-1': { customerId: 'c-1', open: 2 },
      'demo/c-2': { customerId: 'c-2', open: 1 },
    })
  })

  it('has nothing of a customer who has paid or cancelled everything', () => {
    const paid = recorded(orderPaid({ customerId: 'c-1' }), { key: 'o-1', version: 2, sequence: 2 })
    const cancelled = recorded(orderCancelled({ customerId: 'c-1', paidAt: null }), {
      key: 'o-2',
      version: 2,
      sequence: 3,
    })
    givenEvents(openOrders, [placed('o-1', 'c-1', 0), placed('o-2', 'c-1', 1), paid, cancelled]).thenDocument(
      null,
    )
  })

  it('does not count an order twice that is cancelled after it was paid', () => {
    const paid = recorded(orderPaid({ customerId: 'c-1' }), { key: 'o-1', version: 2, sequence: 2 })
    const cancelled = recorded(orderCancelled({ customerId: 'c-1', paidAt: 1 }), {
      key: 'o-1',
      version: 3,
      sequence: 3,
    })
    givenEvents(openOrders, [placed('o-1', 'c-1', 0), placed('o-2', 'c-1', 1), paid, cancelled]).thenDocument(
      {
        customerId: 'c-1',
        open: 1,
      },
    )
  })

  it('never counts below zero', () => {
    givenEvents(openOrders, [recorded(orderPaid())]).thenDocument(null)
  })
})

describe('the rule over open orders', () => {
  const rule = orders.inline.find(({ projection }) => projection.name === 'open-orders')
  const refuse = (open: number, event = orderPlaced()): unknown =>
    rule?.refuse({ customerId: 'c-1', open }, event)

  it('lets a customer place up to the limit and no further', () => {
    expect(rule?.refuse(null, orderPlaced())).toBeNull()
    expect(refuse(MAX_OPEN_ORDERS - 1)).toBeNull()
    expect(refuse(MAX_OPEN_ORDERS)).toBe('too-many-open-orders')
  })

  it('never stands in the way of paying and cancelling', () => {
    expect(rule?.refuse({ customerId: 'c-1', open: MAX_OPEN_ORDERS }, orderPaid())).toBeNull()
  })

  it('rejects with reasons that the context names', () => {
    expect(orders.rejections).toContain('too-many-open-orders')
  })
})
