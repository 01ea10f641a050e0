import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { problemReply, problems } from '../http/problem.ts'
import type { ProblemRule } from '../http/route.ts'
import type { JsonSchema, OpenApiResponse, Reference } from './document.ts'
import { headersOf, ofDoor, ofHandlers } from './headers.ts'
import type { JsonSchemas } from './json-schemas.ts'

const WAIT = { 'retry-after': 'Seconds to wait before asking again.' }

/**
 * What the door may answer to any request that has a route. A path without a route is a 404, a method that the path does
 * not have a 405 with `Allow`.
 */
export const doorProblems: Readonly<Record<number, ProblemRule>> = {
  400: { description: 'The request is malformed, or it does not fit its schemas: `errors` says where.' },
  401: {
    description: 'No bearer token, or one that is not valid.',
    headers: { 'www-authenticate': 'How to say who you are (RFC 6750).' },
  },
  403: {
    description: 'The token lacks the scope, or is of another tenant than `X-Tenant-Id` says.',
    optionalHeaders: { 'www-authenticate': 'The scope that is missing (RFC 6750).' },
  },
  408: { description: 'The request did not come in time.' },
  413: { description: 'The body, or what becomes of it, is too large.' },
  415: {
    description: 'The body is not of a type that is taken here, not UTF-8, or compressed.',
    optionalHeaders: { accept: 'The types that are taken.' },
  },
  417: { description: '`Expect` asks for something other than `100-continue`.' },
  429: { description: 'Too many requests, or too many bad tokens.', headers: WAIT },
  431: { description: 'The headers are too large.' },
  500: { description: 'A fault of the service; its log has the reason under `instance`.' },
  503: { description: 'Something that is needed does not answer, or too much waits for it.', headers: WAIT },
  504: {
    description: 'There was no answer in time; whether the request took effect is not known.',
    optionalHeaders: WAIT,
  },
}

/** RFC 9457, open for what a problem says beyond; each answer closes it. */
const problemSchema = z
  .object({
    type: z.url().describe('Which problem; the list is docs/errors.md.'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    instance: z
      .string()
      .regex(/^urn:request:/)
      .describe('Of this request; `X-Request-Id` and the log have it too.'),
    errors: z
      .array(z.strictObject({ pointer: z.string().describe('JSON pointer (RFC 6901).'), detail: z.string() }))
      .optional()
      .describe('Faults of the body.'),
  })
  .meta({ id: 'Problem' })

const typesOf = (status: number): string[] =>
  Object.values(problems)
    .map((make) => make('').problem)
    .filter((problem) => problem.status === status)
    .map((problem) => (problemReply(problem, '').body as { type: string }).type)

const schemaOf = (status: number, { members }: ProblemRule, schemas: JsonSchemas): JsonSchema => {
  const types = typesOf(status)
  const { properties, required } = members ? schemas.output(members) : {}
  return {
    // As an input: an output would be closed here already.
    allOf: [schemas.input(problemSchema)],
    type: 'object',
    properties: {
      ...(types.length > 0 ? { type: { enum: types } } : {}),
      status: { const: status },
      ...(properties as JsonSchema | undefined),
    },
    ...(required === undefined ? {} : { required }),
    unevaluatedProperties: false,
  }
}

const problemResponse = (status: number, rule: ProblemRule, schemas: JsonSchemas): OpenApiResponse => ({
  description: rule.description,
  headers: headersOf(rule),
  content: { 'application/problem+json': { schema: schemaOf(status, rule, schemas) } },
})

/** `BadRequest`. */
const nameOf = (status: number): string => (STATUS_CODES[status] ?? String(status)).replaceAll(/\W/g, '')

export const sharedProblemResponses = (schemas: JsonSchemas): Record<string, OpenApiResponse> =>
  Object.fromEntries(
    Object.entries(doorProblems).map(([status, rule]) => [
      nameOf(Number(status)),
      problemResponse(Number(status), { ...rule, ...ofDoor(rule) }, schemas),
    ]),
  )

/** The door's problems and a route's own, which add to them. */
export const problemResponses = (
  own: Readonly<Record<number, string | ProblemRule>>,
  schemas: JsonSchemas,
): Record<string, OpenApiResponse | Reference> => ({
  ...Object.fromEntries(
    Object.keys(doorProblems).map((status) => [
      status,
      { $ref: `#/components/responses/${nameOf(Number(status))}` },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(own).map(([status, rule]) => [
      status,
      problemResponse(Number(status), withDoor(doorProblems[Number(status)], rule), schemas),
    ]),
  ),
})

const withDoor = (door: ProblemRule | undefined, own: string | ProblemRule): ProblemRule => {
  const rule = typeof own === 'string' ? { description: own } : own
  if (!door) return { ...rule, ...ofHandlers(rule) }
  return {
    ...rule,
    description: `${door.description} ${rule.description}`,
    // Of the door's own answers only what all of them have is sure.
    ...ofDoor({
      headers: door.headers ?? {},
      optionalHeaders: { ...door.optionalHeaders, ...rule.optionalHeaders, ...rule.headers },
    }),
  }
}
