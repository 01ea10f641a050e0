import type { AnyProjection } from '@millrace/domain'
import type { Condition, FoundDocument, ListQuery, PageEnd } from '@millrace/mongo'
import { problems, wholeNumberOr, type TokenSigner } from '@millrace/runtime'
import { z } from 'zod'
import { waitParameters } from './wait-for-position.ts'

const MAX_LIMIT = 200
const DEFAULT_LIMIT = 50

type Filter = AnyProjection['filters'][string]

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

const valueOf = (filter: Filter): z.ZodType<string | number> => {
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

const conditionOf = (filter: Filter) =>
  valueOf(filter)
    .transform((value): Condition => {
      if (filter.operator === 'eq') return { field: filter.field, is: value }
      const bound = Number(value)
      return filter.operator === 'gte'
        ? { field: filter.field, from: bound }
        : { field: filter.field, below: bound }
    })
    .optional()
    .describe(`Only where \`${filter.field}\` is ${inWords[filter.operator]}.`)

const inWords = { eq: 'this', gte: 'this or above', lt: 'below this' }

const sortOf = ({ sorts }: AnyProjection) => {
  const names = Object.keys(sorts).flatMap((name) => [name, `-${name}`])
  return z
    .enum(names, names.length === 0 ? 'this list has one order only' : `must be one of ${names.join(', ')}`)
    .transform((text): ListQuery['sort'] => {
      const descending = text.startsWith('-')
      const sort = sorts[descending ? text.slice(1) : text]
      return sort && { field: sort.field, descending }
    })
    .optional()
    .describe('Order of the list; with a minus the other way round.')
}

const limit = wholeNumberOr(DEFAULT_LIMIT, { min: 1, max: MAX_LIMIT }).describe('At most so many documents.')

const paging = {
  limit,
  cursor: z.string().optional().describe('`next` of the page before.'),
  ...waitParameters,
}

/** The query of a projection's list: its filters, by name, and how to page. */
export const listParameters = (projection: AnyProjection) => {
  const filters = Object.entries(projection.filters).map(([name, filter]) => [name, conditionOf(filter)])
  return z.strictObject({
    ...(Object.fromEntries(filters) as Record<string, z.ZodType<Condition | undefined>>),
    ...paging,
    sort: sortOf(projection),
  })
}

/** One page's question; `shape` names everything but the cursor, so a cursor fits its own list only. */
export type ParsedList = Omit<ListQuery, 'tenant' | 'projection' | 'after'> & { readonly shape: string }

type ListParameters = {
  readonly sort?: ListQuery['sort']
  readonly limit: number
  readonly [name: string]: unknown
}

export const toList = (projection: AnyProjection, { sort, limit, ...given }: ListParameters): ParsedList => {
  const conditions = Object.keys(given)
    .filter((name) => Object.hasOwn(projection.filters, name))
    .map((name) => given[name] as Condition)
  const shape = JSON.stringify([projection.name, projection.version, conditions, sort ?? null])
  return { conditions, sort, limit, shape }
}

const cursorContent = z.object({ value: z.union([z.string(), z.number(), z.null()]), id: z.string() })

/** Cursors are signed for one tenant, read-model version, filter and sort: no other list accepts them. */
export const makeCursors = (signer: TokenSigner) => {
  const scopeOf = (tenant: string, shape: string) => ({ purpose: `cursor ${shape}`, tenant })
  return {
    parse: (tenant: string, shape: string, token: string | undefined): PageEnd | undefined => {
      if (token === undefined) return undefined
      const parsed = cursorContent.safeParse(signer.verify(scopeOf(tenant, shape), token))
      if (parsed.success) return parsed.data
      throw problems.badRequest('the cursor does not belong to this list; start without one')
    },
    next: (tenant: string, list: ParsedList, last: FoundDocument): string => {
      const value = list.sort ? fieldOf(last.fields, list.sort.field) : null
      return signer.sign(scopeOf(tenant, list.shape), { value, id: last.id })
    },
  }
}

/** A declared field path: `placedAt`, or one level down as `total.amount`. */
const fieldOf = (fields: Readonly<Record<string, unknown>>, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined,
      fields,
    ) ?? null
