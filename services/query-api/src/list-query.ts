import type { AnyProjection, FieldFilter, Filter } from '@millrace/domain'
import type { Condition, ListQuery } from '@millrace/mongo'
import { problems, wholeNumberOr } from '@millrace/runtime'
import { z } from 'zod'
import { waitParameters } from './wait-for-position.ts'

const MAX_LIMIT = 200
const DEFAULT_LIMIT = 50

const number = z
  .string()
  .regex(/^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i, 'must be a number')
  .transform(Number)
  .refine(Number.isFinite, 'must be a number')

// Date.parse alone reads a time in almost any text, and one without an offset in the server's own zone.
const time = z
  .union(
    [z.iso.datetime({ offset: true }), z.iso.date(), z.string().regex(/^\d{1,15}$/)],
    'must be a time such as 1997-01-31T00:00:00Z, or UTC milliseconds',
  )
  .transform((text) => (/^\d+$/.test(text) ? Number(text) : Date.parse(text)))

type Value = string | number

const valueOf = (filter: Filter): z.ZodType<Value> => {
  switch (filter.type) {
    case 'string':
      return z.string()
    case 'number':
      return number
    case 'time':
      return time
    case 'enum':
      return z.enum(filter.values, `must be one of ${filter.values.join(', ')}`)
  }
}

const inWords = { eq: 'this', gte: 'this or above', lt: 'below this' }

const meaningOf = (name: string, filter: Filter): string =>
  filter.operator === 'view'
    ? `Only where \`${name}\` is this, now.`
    : `Only where \`${filter.field}\` is ${inWords[filter.operator]}.`

const sortOf = ({ sorts }: AnyProjection) => {
  const names = Object.keys(sorts).flatMap((name) => [name, `-${name}`])
  return z
    .enum(names, names.length === 0 ? 'this list has one order only' : `must be one of ${names.join(', ')}`)
    .optional()
    .describe('Order of the list; with a minus the other way round.')
}

export const limitParameter = (of: string) =>
  wholeNumberOr(DEFAULT_LIMIT, { min: 1, max: MAX_LIMIT }).describe(`At most so many ${of}.`)

export const cursorParameter = z.string().optional().describe('`next` of the page before.')

/** The query of a projection's list: its filters, by name, and how to page. */
export const listParameters = (projection: AnyProjection) => {
  const filters = Object.entries(projection.filters).map(([name, filter]) => [
    name,
    valueOf(filter).optional().describe(meaningOf(name, filter)),
  ])
  return z.strictObject({
    ...(Object.fromEntries(filters) as Record<string, z.ZodType<Value | undefined>>),
    limit: limitParameter('documents'),
    cursor: cursorParameter,
    ...waitParameters,
    sort: sortOf(projection),
  })
}

export type ListParameters = {
  readonly sort?: string | undefined
  readonly [name: string]: unknown
}

/** Names everything but the cursor and the size of the page; as it was asked for, so no clock is in it. */
export const shapeOf = (projection: AnyProjection, query: ListParameters): string =>
  JSON.stringify([projection.name, givenFilters(projection, query), query.sort ?? null])

const givenFilters = ({ filters }: AnyProjection, query: ListParameters): [string, Value][] =>
  Object.keys(filters).flatMap((name): [string, Value][] =>
    query[name] === undefined ? [] : [[name, query[name] as Value]],
  )

export type Question = Pick<ListQuery, 'conditions' | 'sort'>

/**
 * What a query means for the version that is served. The parameters are those of `declared`, the newest version: for as
 * long as an older one is served, what that does not have is a 400.
 */
export const questionOf = (
  { declared, served }: { readonly declared: AnyProjection; readonly served: AnyProjection },
  query: ListParameters,
  nowMs: number,
): Question => ({
  conditions: givenFilters(declared, query).flatMap(([name, value]) => {
    const filter = Object.hasOwn(served.filters, name) ? served.filters[name] : undefined
    if (!filter) throw notYet(served, name)
    return filter.operator === 'view' ? filter.conditions(String(value), nowMs) : [conditionOf(filter, value)]
  }),
  sort: query.sort === undefined ? undefined : orderOf(served, query.sort),
})

const conditionOf = ({ field, operator }: FieldFilter, value: Value): Condition => {
  switch (operator) {
    case 'eq':
      return { field, is: value }
    case 'gte':
      return { field, from: Number(value) }
    case 'lt':
      return { field, below: Number(value) }
  }
}

const orderOf = (served: AnyProjection, text: string): NonNullable<ListQuery['sort']> => {
  const descending = text.startsWith('-')
  const name = descending ? text.slice(1) : text
  const sort = Object.hasOwn(served.sorts, name) ? served.sorts[name] : undefined
  if (!sort) throw notYet(served, name)
  return { field: sort.field, descending }
}

const notYet = ({ name, version }: AnyProjection, parameter: string) =>
  problems.badRequest(`${parameter}: ${name} does not have it in ${version}, which is served`)
