import type { Route } from '../http/route.ts'
import type { OpenApiDocument, Operation } from './document.ts'
import { makeJsonSchemas, type JsonSchemas } from './json-schemas.ts'
import { operationOf, tagOf } from './operation.ts'
import { sharedProblemResponses } from './problem-responses.ts'

export type DescribedApi = {
  readonly title: string
  readonly version: string
  readonly description: string
  readonly routes: readonly Route[]
}

/** OpenAPI 3.1 of the routes, from the very schemas by which the door lets requests in. */
export const toOpenApi = ({ routes, ...info }: DescribedApi): OpenApiDocument => {
  const schemas = makeJsonSchemas()
  const paths = pathsOf(routes, schemas)
  const responses = sharedProblemResponses(schemas)
  return {
    openapi: '3.1.1',
    info: { ...info, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(tagOf))].map((name) => ({
      name,
      description: `Everything below \`/${name}\``,
    })),
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'Its claims give the tenant and the scopes. Not needed in development.',
        },
      },
      responses,
      schemas: schemas.shared(),
    },
  }
}

const pathsOf = (routes: readonly Route[], schemas: JsonSchemas): OpenApiDocument['paths'] => {
  const paths: Record<string, Record<string, Operation>> = {}
  for (const route of routes) (paths[templateOf(route)] ??= {})[route.method] = operationOf(route, schemas)
  return paths
}

/** `/streams/:id`: `/streams/{id}`. */
const templateOf = ({ path }: Route): string => path.replaceAll(/:(\w+)/g, '{$1}')
