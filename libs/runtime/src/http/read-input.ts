// What a route's schemas make of a request. Nothing is coerced, dropped or guessed: whatever they do not know is a 400
// that names it.

import type { Request } from 'express'
import { z } from 'zod'
import { parseAs, parseJsonBody, parseNdjsonBody } from './json-body.ts'
import { parseParameters, parseQuery } from './parse-query.ts'
import { problems } from './problem.ts'
import type { BodyRule, MediaType, Route } from './route.ts'

export type Input = {
  readonly params: Record<string, unknown>
  readonly query: Record<string, unknown>
  readonly headers: Record<string, unknown>
  readonly body: unknown
}

const NOTHING = z.strictObject({})

/** All but the body, which is not read for a request that is refused already. */
export const readHead = (route: Route, request: Request): Omit<Input, 'body'> => ({
  params: parseParameters(route.params ?? NOTHING, route.params ? request.params : {}),
  query: parseQuery(route.query ?? NOTHING, queryOf(request.originalUrl)),
  headers: route.headers ? parseParameters(route.headers, headersOf(route.headers, request)) : {},
})

export const readBodyAs = (
  rule: BodyRule | undefined,
  raw: Buffer,
  contentType: string | undefined,
): unknown => {
  if (rule === undefined) {
    if (raw.length === 0) return undefined
    throw problems.badRequest('this request takes no body')
  }
  if (raw.length === 0 && 'whenEmpty' in rule) return rule.whenEmpty
  return parseAs(rule.schema, parseByType(raw, contentType, rule.types ?? ['application/json']))
}

const parseByType = (raw: Buffer, contentType: string | undefined, types: readonly MediaType[]): unknown =>
  types.includes('application/x-ndjson') && /^application\/x-ndjson\b/i.test(contentType ?? '')
    ? parseNdjsonBody(raw)
    : parseJsonBody(raw, contentType)

const queryOf = (url: string): URLSearchParams => {
  const mark = url.indexOf('?')
  return new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
}

const headersOf = (schema: z.ZodObject, request: Request): Record<string, string | undefined> =>
  Object.fromEntries(Object.keys(schema.shape).map((name) => [name, request.get(name)]))
