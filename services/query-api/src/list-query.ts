import type { AnyProjection } from '@millrace/domain'
import type { Condition, FoundDocument, ListQuery, PageEnd } from '@millrace/mongo'
import { problems, type TokenSigner } from '@millrace/runtime'
import { z } from 'zod'
import { onlyOne } from './only-one.ts'

const MAX_LIMIT = 200
const DEFAULT_LIMIT = 50
const RESERVED = new Set(['sort', 'limit', 'cursor', 'after', 'timeout'])

type Filter = AnyProjection['filters'][string]

/** One page's question, parsed; `shape` names everything but the cursor, so a cursor fits its own list only. */
export type ParsedList = Omit<ListQuery, 'tenant' | 'projection' | 'after'> & { readonly shape: string }

const numberOf = (name: string, text: string): number => {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw problems.badRequest(`${name} must be a number, not ${JSON.stringify(text)}`)
}

// Date.parse alone reads a time in almost any text, and one without an offset in the server's own zone.
const isoTime = z.union([z.iso.date(), z.iso.datetime({ offset: true })])

const timeOf = (name: string, text: string): number => {
  if (isoTime.safeParse(text).success) return Date.parse(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text)
  throw problems.badRequest(`${name} must be a time such as 1997-01-31T00:00:00Z, or UTC milliseconds`)
}

const valueOf = (name: string, filter: Filter, text: string): string | number => {
  switch (filter.type) {
    case 'string':
      return text
    case 'number':
      return numberOf(name, text)
    case 'time':
      return timeOf(name, text)
    case 'enum':
      if (filter.values.includes(text)) return text
      throw problems.badRequest(`${name} must be one of ${filter.values.join(', ')}`)
  }
}

const conditionOf = (name: string, filter: Filter, text: string): Condition => {
  const value = valueOf(name, filter, text)
  if (filter.operator === 'eq') return { field: filter.field, is: value }
  const bound = Number(value)
  return filter.operator === 'gte'
    ? { field: filter.field, from: bound }
    : { field: filter.field, below: bound }
}

const conditionsOf = (projection: AnyProjection, query: URLSearchParams): Condition[] => {
  const names = [...new Set(query.keys())].filter((name) => !RESERVED.has(name))
  return names.map((name) => {
    const filter = Object.hasOwn(projection.filters, name) ? projection.filters[name] : undefined
    if (!filter) {
      const known = Object.keys(projection.filters).join(', ') || 'none'
      throw problems.badRequest(
        `${projection.name} has no filter ${JSON.stringify(name)}; it has: ${known}, besides sort, limit, cursor, after, timeout`,
      )
    }
    return conditionOf(name, filter, onlyOne(query, name) ?? '')
  })
}

const sortOf = (projection: AnyProjection, text: string | undefined): ListQuery['sort'] => {
  if (text === undefined) return undefined
  const descending = text.startsWith('-')
  const name = descending ? text.slice(1) : text
  const sort = Object.hasOwn(projection.sorts, name) ? projection.sorts[name] : undefined
  if (sort) return { field: sort.field, descending }
  const known = Object.keys(projection.sorts).join(', ') || 'none'
  throw problems.badRequest(
    `${projection.name} cannot be sorted by ${JSON.stringify(name)}; it can by: ${known}`,
  )
}

const limitOf = (text: string | undefined): number => {
  if (text === undefined) return DEFAULT_LIMIT
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= MAX_LIMIT) return limit
  throw problems.badRequest(`limit must be a whole number from 1 to ${MAX_LIMIT}`)
}

export const parseList = (projection: AnyProjection, query: URLSearchParams): ParsedList => {
  const conditions = conditionsOf(projection, query)
  const sort = sortOf(projection, onlyOne(query, 'sort'))
  const limit = limitOf(onlyOne(query, 'limit'))
  const shape = JSON.stringify([projection.name, projection.version, conditions, sort ?? null])
  return { conditions, sort, limit, shape }
}

const cursorContent = z.object({ value: z.union([z.string(), z.number(), z.null()]), id: z.string() })

/** Cursors are signed for one tenant, read-model version, filter and sort: no other list accepts them. */
export const makeCursors = (signer: TokenSigner) => {
  const scopeOf = (tenant: string, shape: string) => ({ purpose: `cursor ${shape}`, tenant })
  return {
    parse: (tenant: string, shape: string, query: URLSearchParams): PageEnd | undefined => {
      const token = onlyOne(query, 'cursor')
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
