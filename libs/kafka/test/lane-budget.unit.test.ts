import { describe, expect, it } from '@jest/globals'
import { LaneBudget } from '../src/lane-budget.ts'

describe('the budget of lanes', () => {
  it('is shared by those that there are', () => {
    const budget = new LaneBudget(12)
    expect(budget.share()).toBe(12)
    for (const share of [12, 6, 4]) {
      budget.enter()
      expect(budget.share()).toBe(share)
    }
    budget.leave()
    expect(budget.share()).toBe(6)
  })
})
