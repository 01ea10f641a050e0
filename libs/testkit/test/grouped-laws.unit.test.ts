import { AssertionError } from 'node:assert'
import { describe, expect, it } from '@jest/globals'
import { type Document, defineGroupedProjection } from '@millrace/domain'
import { type Choose, checkGroupedLaws, orderPlaced, ordersByHour, recordedStream } from '@millrace/testkit'

type Numbers = { readonly numbers: readonly number[] }

const projectionOf = <Doc extends Document>(
  partial: (version: number) => Doc,
  merge: (one: Doc, other: Doc) => Doc,
) =>
  defineGroupedProjection({
    name: 'under-test',
    version: 'v1',
    sources: ['orders.order.events'],
    events: ['OrderPlaced'],
    placesOf: () => [{ key: 'all' }],
    partialOf: ({ version }) => partial(version),
    merge,
  })

const events = recordedStream([orderPlaced(), orderPlaced(), orderPlaced(), orderPlaced()])
const always =
  (number: number): Choose =>
  (below) =>
    number % below
/** Different partials, taken in another order. */
const turning = (): Choose => {
  let next = 0
  return (below) => (next += 3) % below
}

const checking = <Doc extends Document>(
  merge: (one: Doc, other: Doc) => Doc,
  partial: (version: number) => Doc,
) => {
  const projection = projectionOf(partial, merge)
  return () => {
    for (const choose of [always(0), always(1), always(3), turning()]) {
      checkGroupedLaws(projection, events, choose)
    }
  }
}

const numbersOf = (version: number): Numbers => ({ numbers: [version] })

describe('the laws of grouped projections', () => {
  it('hold for a sum and for a sorted list', () => {
    checking(
      (one: { sum: number }, other: { sum: number }) => ({ sum: one.sum + other.sum }),
      (version) => ({ sum: version }),
    )()
    checking<Numbers>((one, other) => ({ numbers: [...one.numbers, ...other.numbers].sort() }), numbersOf)()
  })

  it('hold for a window that closes', () => {
    checkGroupedLaws(ordersByHour, events, turning())
  })

  it('fail on a merge that keeps an order', () => {
    const appending = (one: Numbers, other: Numbers) => ({ numbers: [...one.numbers, ...other.numbers] })
    expect(checking(appending, numbersOf)).toThrow(AssertionError)
  })

  it('fail on a merge that is commutative but not associative', () => {
    type Mean = { mean: number }
    const averaging = (one: Mean, other: Mean): Mean => ({ mean: (one.mean + other.mean) / 2 })
    expect(checking(averaging, (version) => ({ mean: version }))).toThrow(AssertionError)
  })

  it('fail on fields whose order tells what came first', () => {
    type Seen = Readonly<Record<string, number>>
    const spreading = (one: Seen, other: Seen): Seen => ({ ...one, ...other })
    expect(checking(spreading, (version): Seen => ({ [`v${version}`]: 1 }))).toThrow(
      'another order of fields',
    )
  })

  it('fail on a merge that changes what it was given', () => {
    const pushing = (one: { numbers: number[] }, other: { numbers: number[] }) => {
      one.numbers.push(...other.numbers)
      return one
    }
    expect(checking(pushing, (version) => ({ numbers: [version] }))).toThrow(TypeError)
  })

  it('fail on what JSON does not keep', () => {
    const negating = (one: { sum: number }, other: { sum: number }) => ({ sum: one.sum * other.sum * -0 })
    expect(checking(negating, () => ({ sum: 0 }))).toThrow('plain JSON')
  })
})
