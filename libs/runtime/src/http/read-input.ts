// What a route's schemas make of a request. Nothing is coerced, dropped or guessed: whatever they do not know is a 400
// that names it.

import type { Request } from 'express'
import { z } from 'zod'
import { parseContentType } from './content-type.ts'
import { parseJsonBody, parseNdjsonBody } from './json-body.ts'
import { parseAs } from './parse-as.ts'
import { parseParameters, parseQuery } from './parse-query.ts'
import { problems } from './problem.ts'
import type { BodyRule, MediaType, Route } from './route.ts'

export type Input = {
  readonly params: Readonly<Record<string, unknown>>
  readonly query: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: unknown
}

const NOTHING = z.strictObject({})
const NONE: Readonly<Record<string, unknown>> = {}

/** All but the body, which is not read for a request that is refused already. */
export const readHead = (route: Route, request: Request): Omit<Input, 'body'> => ({
  params: route.params ? parseParameters(route.params, request.params) : NONE,
  query: readQuery(route, request.originalUrl),
  headers: route.headers ? parseParameters(route.headers, headersOf(route.headers, request)) : NONE,
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

const parseByType = (raw: Buffer, contentType: string | undefined, types: readonly MediaType[]): unknown => {
  const type = parseContentType(contentType)
  if (type === 'json' && types.includes('application/json')) return parseJsonBody(raw)
  if (type === 'ndjson' && types.includes('application/x-ndjson')) return parseNdjsonBody(raw)
  throw problems.unsupportedMediaType(
    `send ${types.join(' or ')} in UTF-8, not ${contentType ?? 'an unnamed type'}`,
    { headers: { accept: types.join(', ') } },
  )
}

const readQuery = ({ query }: Route, url: string): Input['query'] => {
  const mark = url.indexOf('?')
  if (mark < 0 && !query) return NONE
  const text = mark < 0 ? '' : url.slice(mark + 1)
  if (text.includes('%') && !isDecodable(text)) {
    throw problems.badRequest(
      'the query cannot be decoded: behind each % are two hexadecimal digits, and all of it is UTF-8 without U+0000',
    )
  }
  return parseQuery(query ?? NOTHING, new URLSearchParams(text))
}

/** `URLSearchParams` takes what is no encoding as it stands, and makes replacement characters of what is no UTF-8. */
const isDecodable = (text: string): boolean => {
  try {
    return !decodeURIComponent(text).includes('\0')
  } catch {
    return false
  }
}

/** Headers that are there once: the door has seen to that. */
const headersOf = ({ shape }: z.ZodObject, { headers }: Request): Record<string, unknown> => {
  const found: Record<string, unknown> = {}
  for (const name in shape) found[name] = headers[name]
  return found
}
