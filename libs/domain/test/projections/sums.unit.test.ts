import { describe, expect, it } from '@jest/globals'
import { addExactly, addSums, customerDashboard, revenueByDay, sumsOf } from '@millrace/domain'
import { orderPaid, orderPlaced, recorded } from '@millrace/testkit'

const MOST = Number.MAX_SAFE_INTEGER

describe('sums', () => {
  it('are kept by currency, in alphabetical order', () => {
    const sums = addSums({ EUR: 1, USD: 2 }, { CHF: 3, EUR: 4 })
    expect(Object.entries(sums)).toEqual([
      ['CHF', 3],
      ['EUR', 5],
      ['USD', 2],
    ])
  })

  it('have no currency that came to nothing', () => {
    expect(addSums({ EUR: 5, CHF: 1 }, { EUR: -5 })).toEqual({ CHF: 1 })
    expect(sumsOf({ amount: 0, currency: 'EUR' })).toEqual({})
    expect(sumsOf({ amount: -0, currency: 'EUR' })).toEqual({})
  })

  it('are exact or not at all', () => {
    expect(addExactly(MOST - 1, 1)).toBe(MOST)
    expect(() => addExactly(MOST, 1)).toThrow(RangeError)
    expect(() => addExactly(-MOST, -1)).toThrow(RangeError)
    expect(() => addSums({ EUR: MOST }, { EUR: 1 })).toThrow(RangeError)
  })

  it('refuse the event that would make a read model lose a cent', () => {
    const ofMost = { lines: [{ productId: 'p-1', quantity: 1, amount: MOST - 1 }] }
    const [place] = customerDashboard.placesOf(recorded(orderPlaced()))
    const before = place && customerDashboard.evolve(null, recorded(orderPlaced(ofMost)), place)
    expect(before?.ordered).toEqual({ EUR: MOST - 1 })
    expect(() => place && customerDashboard.evolve(before ?? null, recorded(orderPlaced()), place)).toThrow(
      RangeError,
    )
    const paid = recorded(orderPaid({ total: { amount: MOST - 1, currency: 'EUR' } }))
    const day = { key: '2026-01-01' }
    const revenue = revenueByDay.evolve(null, paid, day)
    expect(() => revenueByDay.evolve(revenue, paid, day)).toThrow(RangeError)
  })
})
