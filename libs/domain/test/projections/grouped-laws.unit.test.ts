import { describe, expect, it } from '@jest/globals'
import { projections } from '@millrace/domain'
import { type Choose, checkGroupedLaws, ordersByHour } from '@millrace/testkit'
import fc from 'fast-check'
import { anyShopHistory } from './shop-histories.ts'

const grouped = [...projections.filter(({ kind }) => kind === 'grouped'), ordersByHour]

/** Goes round the numbers, so that a failing case shrinks to few of them. */
const chooserOf = (numbers: readonly number[]): Choose => {
  let next = 0
  return (below) => (numbers[next++ % numbers.length] ?? 0) % below
}

describe.each(grouped)('$name', (projection) => {
  it('is the same document however its events are spread and merged', () => {
    fc.assert(
      fc.property(anyShopHistory, fc.array(fc.nat(), { minLength: 1, maxLength: 60 }), (events, numbers) => {
        checkGroupedLaws(projection, events, chooserOf(numbers))
      }),
    )
  })

  it('is tried with every event that it handles', () => {
    const tried = fc.sample(anyShopHistory, { numRuns: 100, seed: 1 }).flat()
    expect(tried.map(({ type }) => type)).toEqual(expect.arrayContaining([...projection.events]))
  })
})
