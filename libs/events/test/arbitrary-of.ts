import fc from 'fast-check'
import {
  isUnion,
  type AvroEnum,
  type AvroRecord,
  type AvroType,
  type NamedSchema,
} from '../src/avro-schema.ts'
import type { SchemaFiles } from '../src/load-schemas.ts'

/** Any data that fits a schema, edge cases included. */
export const arbitraryOf = (record: AvroRecord, files: SchemaFiles): fc.Arbitrary<object> =>
  fc.record(
    Object.fromEntries(record.fields.map((field) => [field.name, arbitraryOfType(field.type, files)])),
    { noNullPrototype: true },
  )

const arbitraryOfType = (type: AvroType, files: SchemaFiles): fc.Arbitrary<unknown> => {
  if (typeof type === 'string') return arbitraryOfName(type, files)
  if (isUnion(type)) return fc.oneof(...type.map((branch) => arbitraryOfType(branch, files)))
  return type.type === 'array'
    ? fc.array(arbitraryOfType(type.items, files), { maxLength: 20 })
    : arbitraryOfNamed(type, files)
}

const arbitraryOfName = (name: string, files: SchemaFiles): fc.Arbitrary<unknown> => {
  switch (name) {
    case 'null':
      return fc.constant(null)
    case 'string':
      return fc.string({ unit: 'binary', maxLength: 200 })
    case 'long':
      return fc.integer({ min: -(2 ** 52), max: 2 ** 53 - 2 })
    case 'double':
      return fc.double({ noNaN: true })
    default:
      return arbitraryOfNamed(known(name, files), files)
  }
}

const arbitraryOfNamed = (schema: NamedSchema, files: SchemaFiles): fc.Arbitrary<unknown> =>
  schema.type === 'enum' ? arbitraryOfEnum(schema) : arbitraryOf(schema, files)

const arbitraryOfEnum = ({ symbols }: AvroEnum): fc.Arbitrary<string> => fc.constantFrom(...symbols)

const known = (name: string, files: SchemaFiles): NamedSchema => {
  const schema = files.get(name)
  if (schema === undefined) throw new Error(`no arbitrary for ${name}`)
  return schema
}
