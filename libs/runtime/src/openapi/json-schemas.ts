import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { JsonSchema } from './document.ts'

export type JsonSchemas = {
  /** What has to be sent. */
  input(schema: z.ZodType): JsonSchema
  /** What is answered. */
  output(schema: z.ZodType): JsonSchema
  /** Those that have an id (`.meta({ id })`), by it; the others refer to them. */
  shared(): Readonly<Record<string, JsonSchema>>
}

/** zod's schemas as JSON Schema for one OpenAPI document. */
export const makeJsonSchemas = (): JsonSchemas => {
  const shared: Record<string, JsonSchema> = {}

  const share = (id: string, definition: JsonSchema): void => {
    if (shared[id] !== undefined && !isDeepStrictEqual(shared[id], definition))
      throw new Error(`two schemas are called ${id}, or it is not the same sent and answered`)
    shared[id] = definition
  }

  const convert = (schema: z.ZodType, io: 'input' | 'output'): JsonSchema => {
    // As a property, so that a schema with an id becomes a reference wherever it stands.
    const { properties, $defs } = toShared(z.toJSONSchema(z.strictObject({ it: schema }), optionsOf(io)))
    for (const [id, definition] of Object.entries($defs ?? {})) share(id, definition)
    return properties['it'] ?? {}
  }

  return {
    input: (schema) => convert(schema, 'input'),
    output: (schema) => convert(schema, 'output'),
    shared: () => shared,
  }
}

const optionsOf = (io: 'input' | 'output'): z.core.ToJSONSchemaParams => ({
  io,
  target: 'draft-2020-12',
  override: ({ zodSchema, jsonSchema }) => {
    if (io === 'output') dropNoise(jsonSchema)
    if (jsonSchema.type === 'integer') describeNumber(zodSchema, jsonSchema)
  },
})

/** One of a query is text in its URL: neither the pattern of that nor, to zod, the default is the number's. */
const describeNumber = (schema: z.core.$ZodType, described: z.core.JSONSchema.BaseSchema): void => {
  delete described.pattern
  const fallback = z.globalRegistry.get(schema)?.['default']
  if (typeof fallback === 'number') described.default = fallback
}

/** What zod would refuse of an input, but no answer can break, and a reader learns nothing from. */
const dropNoise = (schema: z.core.JSONSchema.BaseSchema): void => {
  if (schema.format === 'date-time') delete schema.pattern
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum
  if (isDeepStrictEqual(schema.propertyNames, { type: 'string' })) delete schema.propertyNames
}

type Converted = {
  readonly properties: Readonly<Record<string, JsonSchema>>
  readonly $defs?: Readonly<Record<string, JsonSchema>>
}

const toShared = (schema: object): Converted =>
  JSON.parse(JSON.stringify(schema), (name, value: unknown) => {
    if (name === '$ref' && typeof value === 'string')
      return value.replace('#/$defs/', '#/components/schemas/')
    return value
  }) as Converted
