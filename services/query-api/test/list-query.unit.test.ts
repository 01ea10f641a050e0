import { describe, expect, it } from '@jest/globals'
import { orderSummary, paymentWatch } from '@millrace/domain'
import { listParameters, questionOf, shapeOf } from '../src/list-query.ts'

const watch = { declared: paymentWatch, served: paymentWatch }
const parse = (query: Record<string, string>) => listParameters(paymentWatch).parse(query)

describe('the question of a list', () => {
  it('is what the declared filters and sorts mean', () => {
    const query = listParameters(orderSummary).parse({
      ...{ status: 'paid', placedAtFrom: '1997-01-05', placedAtTo: '99', sort: '-total' },
    })
    expect(questionOf({ declared: orderSummary, served: orderSummary }, query, 0)).toEqual({
      conditions: [
        { field: 'status', is: 'paid' },
        { field: 'placedAt', from: Date.UTC(1997, 0, 5) },
        { field: 'placedAt', below: 99 },
      ],
      sort: { field: 'total.amount', descending: true },
    })
  })

  it('of the view is what the projection makes of it at that time', () => {
    const query = parse({ status: 'overdue' })
    expect(questionOf(watch, query, 7).conditions).toEqual(
      paymentWatch.filters['status']?.operator === 'view'
        ? paymentWatch.filters['status'].conditions('overdue', 7)
        : [],
    )
    expect(questionOf(watch, query, 7).conditions).toContainEqual({ field: 'dueAt', below: 7 })
  })

  it('has one shape at all times, and another one for other filters and sorts', () => {
    const queries = [{}, { status: 'overdue' }, { status: 'waiting' }, { sort: 'dueAt' }, { sort: '-dueAt' }]
    const shapes = queries.map((query) => shapeOf(paymentWatch, parse(query as Record<string, string>)))
    expect(new Set(shapes).size).toBe(queries.length)
    expect(shapeOf(paymentWatch, parse({ status: 'overdue', limit: '3', timeout: '5' }))).toBe(shapes[1])
  })

  it('is refused when the version that is served cannot answer it yet', () => {
    const served = { ...paymentWatch, version: 'v0', filters: {}, sorts: {} } as const
    for (const query of [{ customerId: 'c-1' }, { sort: '-dueAt' }])
      expect(() => questionOf({ declared: paymentWatch, served }, parse(query), 0)).toThrow(
        /payment-watch does not have it in v0/,
      )
  })
})
