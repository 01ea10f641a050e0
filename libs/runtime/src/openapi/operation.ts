import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import type { BodyRule, ReplyRule, Route } from '../http/route.ts'
import type { JsonSchema, MediaTypes, OpenApiResponse, Operation, Parameter } from './document.ts'
import { headerName, headersOf, ofHandlers } from './headers.ts'
import type { JsonSchemas } from './json-schemas.ts'
import { problemResponses } from './problem-responses.ts'

export const operationOf = (route: Route, schemas: JsonSchemas): Operation => ({
  operationId: route.operation,
  summary: route.summary,
  description: descriptionOf(route),
  tags: [tagOf(route)],
  security: [{ bearer: route.scope === null ? [] : [route.scope] }],
  parameters: [
    ...parametersOf('path', route.params, schemas),
    ...parametersOf('query', route.query, schemas),
    ...parametersOf('header', route.headers, schemas),
  ],
  ...(route.body ? { requestBody: requestBodyOf(route.body, schemas) } : {}),
  responses: {
    ...Object.fromEntries(
      Object.entries(route.replies).map(([status, rule]) => [status, responseOf(rule, schemas)]),
    ),
    ...problemResponses(route.problems ?? {}, schemas),
  },
})

/** First segment of the path. */
export const tagOf = ({ path }: Pick<Route, 'path'>): string => path.split('/')[1] ?? ''

const descriptionOf = ({ description, scope }: Route): string =>
  [description, scope === null ? 'Whoever is known may.' : `Needs the scope \`${scope}\`.`]
    .filter((text) => text !== undefined)
    .join('\n\n')

const parametersOf = (
  place: Parameter['in'],
  schema: z.ZodObject | undefined,
  schemas: JsonSchemas,
): Parameter[] => {
  if (!schema) return []
  const { properties = {}, required = [] } = schemas.input(schema) as ObjectSchema
  const possible = Object.entries(properties).filter(([, property]) => !isImpossible(property))
  return possible.map(([name, { description, ...rest }]) => ({
    name: place === 'header' ? headerName(name) : name,
    in: place,
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }))
}

/** Of a parameter that no value fits, as the sort of a list with one order. */
const isImpossible = ({ not }: JsonSchema): boolean => isDeepStrictEqual(not, {})

type ObjectSchema = {
  readonly properties?: Readonly<Record<string, JsonSchema & { readonly description?: string }>>
  readonly required?: readonly string[]
}

const requestBodyOf = (rule: BodyRule, schemas: JsonSchemas): NonNullable<Operation['requestBody']> => {
  const schema = schemas.input(rule.schema)
  const content = (rule.types ?? ['application/json']).map((type) => [
    type,
    // NDJSON has no schema of the whole in OpenAPI 3.1: it is that of a line.
    { schema: type === 'application/x-ndjson' ? schema['items'] : schema },
  ])
  return { required: !('whenEmpty' in rule), content: Object.fromEntries(content) as MediaTypes }
}

const responseOf = (rule: ReplyRule, schemas: JsonSchemas): OpenApiResponse => {
  const content = {
    ...(rule.schema ? { 'application/json': { schema: schemas.output(rule.schema) } } : {}),
    ...(rule.lines ? { 'application/x-ndjson': { schema: schemas.output(rule.lines) } } : {}),
  }
  return {
    description: rule.lines ? `${rule.description}; as NDJSON one a line` : rule.description,
    headers: headersOf(ofHandlers(rule)),
    ...(Object.keys(content).length === 0 ? {} : { content }),
  }
}
