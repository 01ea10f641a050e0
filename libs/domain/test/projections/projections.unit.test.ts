import { describe, expect, it } from '@jest/globals'
import {
  type Filter,
  defineProjection,
  findProjection,
  orderSummary,
  type ProjectedEvent,
  projections,
} from '@millrace/domain'
import { topics } from '@millrace/events'
import { orderPaid, orderPlaced, recorded } from '@millrace/testkit'

const ofAggregates = projections.filter(({ kind }) => kind === 'per-aggregate')

/** By which a query begins; further conditions of a view filter only narrow what is left. */
const fieldsOf = (filter: Filter): string[] => {
  if (filter.operator !== 'view') return [filter.field]
  return filter.values.flatMap((value) => filter.conditions(value, 0).slice(0, 1)).map(({ field }) => field)
}

describe('the projections', () => {
  it('have names of their own', () => {
    expect(new Set(projections.map(({ name }) => name)).size).toBe(projections.length)
  })

  it('are found by name', () => {
    expect(findProjection('order-summary')).toBe(orderSummary)
    expect(findProjection('order-summaries')).toBeNull()
  })

  it.each(ofAggregates)('$name handles every event of its topic', ({ sources, events }) => {
    expect([...events].sort()).toEqual([...topics[sources[0]].recordTypes].sort())
  })

  it.each(projections)(
    '$name has an index for every filter and every sort',
    ({ filters, sorts, indexes }) => {
      const firstFields = indexes.map((index) => Object.keys(index)[0])
      for (const field of Object.values(filters).flatMap(fieldsOf)) expect(firstFields).toContain(field)
      for (const { field } of Object.values(sorts)) expect(firstFields).toContain(field)
    },
  )

  it.each(projections)(
    '$name has parameters that no list parameter of the query API hides',
    ({ filters }) => {
      for (const reserved of ['sort', 'limit', 'cursor', 'after', 'timeout']) {
        expect(Object.keys(filters)).not.toContain(reserved)
      }
    },
  )

  it.each(projections)('$name has partials only if it is grouped', ({ kind, sources, graceMs, merge }) => {
    if (kind === 'grouped') return
    expect(sources).toHaveLength(1)
    expect(graceMs).toBeNull()
    expect(() => merge({}, {})).toThrow(TypeError)
  })

  it.each(ofAggregates)('$name keeps its documents under the key of the event', (projection) => {
    const [type] = projection.events
    const event = { ...recorded(orderPlaced(), { key: 'o-1' }), type } as ProjectedEvent
    expect(projection.placesOf(event)).toEqual([{ key: 'o-1' }])
  })
})

describe('a projection', () => {
  const payments = defineProjection({
    name: 'payments',
    version: 'v1',
    sources: ['orders.order.events'],
    events: ['OrderPaid'],
    evolve: (document: { count: number } | null) => ({ count: (document?.count ?? 0) + 1 }),
    indexes: [],
    filters: {},
    sorts: {},
  })

  it('lets events pass that it does not declare', () => {
    const document = { count: 1 }
    const place = { key: 'o-1' }
    expect(payments.placesOf(recorded(orderPlaced()))).toEqual([])
    expect(payments.evolve(document, recorded(orderPlaced()), place)).toBe(document)
    expect(payments.evolve(null, recorded(orderPlaced()), place)).toBeNull()
    expect(payments.evolve(document, recorded(orderPaid()), place)).toEqual({ count: 2 })
  })
})
