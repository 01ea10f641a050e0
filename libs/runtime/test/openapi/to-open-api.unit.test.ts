import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { defineRoute, type Route } from '../../src/http/route.ts'
import { toOpenApi } from '../../src/openapi/to-open-api.ts'

const thing = z.strictObject({ id: z.string(), size: z.int() }).meta({ id: 'Thing' })

const base = {
  operation: 'test',
  summary: 'A test',
  scope: null,
  replies: {},
  handle: () => ({ status: 204 }),
}

const describeRoutes = (...routes: Route[]) =>
  toOpenApi({ title: 'Test', version: '1.2.3', description: 'For a test', routes })

const operationOf = (route: Route) => {
  const { paths } = describeRoutes(route)
  const [operation] = Object.values(Object.values(paths)[0] ?? {})
  if (!operation) throw new Error('there is no operation')
  return operation
}

describe('an operation', () => {
  it('is found by the path as OpenAPI writes it, under the first segment', () => {
    const { paths, tags } = describeRoutes(
      defineRoute({ ...base, method: 'get', path: '/things/:id/parts/:part' }),
      defineRoute({ ...base, method: 'put', path: '/things/:id/parts/:part' }),
    )
    expect(Object.keys(paths)).toEqual(['/things/{id}/parts/{part}'])
    expect(Object.keys(paths['/things/{id}/parts/{part}'] ?? {})).toEqual(['get', 'put'])
    expect(tags.map(({ name }) => name)).toEqual(['things'])
  })

  it('has as parameters what its schemas take, before they change it', () => {
    const { parameters } = operationOf(
      defineRoute({
        ...base,
        method: 'get',
        path: '/things/:id',
        params: z.strictObject({ id: z.string().describe('Of it.') }),
        query: z.strictObject({
          count: z.string().regex(/^\d$/).default('5').transform(Number),
          never: z.enum([]).optional(),
        }),
        headers: z.object({ 'idempotency-key': z.string().describe('Of the request.') }),
      }),
    )
    expect(parameters).toEqual([
      { name: 'id', in: 'path', required: true, description: 'Of it.', schema: { type: 'string' } },
      {
        name: 'count',
        in: 'query',
        required: false,
        schema: { type: 'string', pattern: '^\\d$', default: '5' },
      },
      {
        name: 'Idempotency-Key',
        in: 'header',
        required: true,
        description: 'Of the request.',
        schema: { type: 'string' },
      },
    ])
  })

  it('takes a body in each of its types: of NDJSON the schema is that of a line', () => {
    const line = z.strictObject({ a: z.string().transform(Number) })
    const { requestBody } = operationOf(
      defineRoute({
        ...base,
        method: 'post',
        path: '/things',
        body: { schema: z.array(line), types: ['application/json', 'application/x-ndjson'] },
      }),
    )
    const item = {
      type: 'object',
      properties: { a: { type: 'string' } },
      required: ['a'],
      additionalProperties: false,
    }
    expect(requestBody).toEqual({
      required: true,
      content: {
        'application/json': { schema: { type: 'array', items: item } },
        'application/x-ndjson': { schema: item },
      },
    })
  })

  it('need not be sent a body that may be left out', () => {
    const schema = z.strictObject({})
    const route = { ...base, method: 'post', path: '/things', body: { schema, whenEmpty: {} } } as const
    expect(operationOf(defineRoute(route)).requestBody?.required).toBe(false)
  })

  it('names the scope that it needs', () => {
    const { security, description } = operationOf(
      defineRoute({ ...base, method: 'get', path: '/things', scope: 'streams:read' }),
    )
    expect(security).toEqual([{ bearer: ['streams:read'] }])
    expect(description).toContain('`streams:read`')
  })
})

describe('an answer', () => {
  const route = defineRoute({
    ...base,
    method: 'get',
    path: '/things/:id',
    replies: {
      200: {
        description: 'The thing',
        schema: z.array(thing),
        lines: thing,
        headers: { etag: 'Its version.' },
        optionalHeaders: { link: 'The next one.' },
      },
      304: { description: 'As before' },
    },
    problems: {
      400: { description: 'Or so.', members: z.strictObject({ size: z.int() }) },
      404: 'There is none.',
    },
  })
  const { responses } = operationOf(route)

  it('has its headers, with which of them are always there', () => {
    expect(responses['200']).toMatchObject({
      headers: { ETag: { required: true }, 'X-Request-Id': { required: true }, Link: { required: false } },
    })
  })

  it('has a schema with an id by reference, in each of its types', () => {
    const $ref = '#/components/schemas/Thing'
    expect(responses['200']).toMatchObject({
      content: {
        'application/json': { schema: { type: 'array', items: { $ref } } },
        'application/x-ndjson': { schema: { $ref } },
      },
    })
    expect(describeRoutes(route).components.schemas['Thing']).toEqual({
      type: 'object',
      properties: { id: { type: 'string' }, size: { type: 'integer' } },
      required: ['id', 'size'],
      additionalProperties: false,
    })
  })

  it('without a body has no content', () => expect(responses['304']).not.toHaveProperty('content'))

  it('may be any problem of the door, and of its own with what that says beyond', () => {
    expect(responses['401']).toEqual({ $ref: '#/components/responses/Unauthorized' })
    expect(responses['400']).toMatchObject({
      description: expect.stringMatching(/ Or so\.$/),
      content: {
        'application/problem+json': {
          schema: {
            allOf: [{ $ref: '#/components/schemas/Problem' }],
            properties: { status: { const: 400 }, size: { type: 'integer' } },
            unevaluatedProperties: false,
          },
        },
      },
    })
    expect(responses['404']).toMatchObject({ description: 'There is none.' })
  })
})

it('two schemas of one id are refused', () => {
  const other = z.strictObject({ at: z.string() }).meta({ id: 'Thing' })
  const of = (schema: z.ZodType, path: string): Route =>
    defineRoute({ ...base, method: 'get', path, replies: { 200: { description: 'It', schema } } })
  expect(() => describeRoutes(of(thing, '/things'), of(other, '/others'))).toThrow('Thing')
})
