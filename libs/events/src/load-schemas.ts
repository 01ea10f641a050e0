import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  fullNameOf,
  isPrimitive,
  isUnion,
  referencesOf,
  type AvroRecord,
  type AvroType,
  type NamedSchema,
} from './avro-schema.ts'

/**
 * Every record and enum has its own file, schemas/<context>/<record>.avsc, and refers to others by full name.
 * A registry wants each schema whole, so references are inlined here: the first use of a name in a schema becomes
 * its definition, later uses stay names, as Avro demands.
 *
 * An event type is a record that no other record refers to. A record called …Snapshot has one in it, and makes it no part.
 */
export type SchemaFiles = ReadonlyMap<string, NamedSchema>

// The same relative path holds for src and dist.
const schemaFolder = fileURLToPath(new URL('../schemas/', import.meta.url))

export const readSchemaFiles = (folder: string = schemaFolder): SchemaFiles => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.avsc'))
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
  const schemas = new Map(
    files.map((file) => parseSchemaFile(file, readFileSync(`${folder}/${file}`, 'utf8'))),
  )
  for (const [name, schema] of schemas) {
    const missing = referencesOf(schema).find((reference) => !schemas.has(reference))
    if (missing !== undefined) throw new Error(`${name} refers to ${missing}, which has no .avsc file`)
  }
  return schemas
}

/** Self-contained schema of every event type, by record name. */
export const loadEventSchemas = (files: SchemaFiles = readSchemaFiles()): ReadonlyMap<string, AvroRecord> => {
  const others = [...files.values()].filter(({ name }) => !name.endsWith('Snapshot'))
  const referenced = new Set(others.flatMap(referencesOf))
  const schemas = new Map<string, AvroRecord>()
  for (const [fullName, schema] of files) {
    if (schema.type !== 'record' || referenced.has(fullName)) continue
    if (schemas.has(schema.name)) throw new Error(`two event types are called ${schema.name}`)
    schemas.set(schema.name, inlineRecord(schema, files, new Set([fullName])))
  }
  return schemas
}

const parseSchemaFile = (file: string, text: string): [string, NamedSchema] => {
  const schema = JSON.parse(text) as NamedSchema
  const fullName = fullNameOf(schema)
  if (fileOf(schema) !== file)
    throw new Error(`${file} defines ${fullName}, which belongs in ${fileOf(schema)}`)
  return [fullName, schema]
}

const fileOf = ({ namespace, name }: NamedSchema): string => {
  const folders = namespace.split('.').slice(1)
  const kebabCase = name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()
  return [...folders, `${kebabCase}.avsc`].join('/')
}

const inlineRecord = (record: AvroRecord, files: SchemaFiles, defined: Set<string>): AvroRecord => ({
  ...record,
  fields: record.fields.map((field) => ({ ...field, type: inlineType(field.type, files, defined) })),
})

const inlineType = (type: AvroType, files: SchemaFiles, defined: Set<string>): AvroType => {
  if (typeof type === 'string') return inlineName(type, files, defined)
  if (isUnion(type)) return type.map((branch) => inlineType(branch, files, defined))
  if (type.type === 'array') return { ...type, items: inlineType(type.items, files, defined) }
  throw new Error(`${fullNameOf(type)} is nested; give it a file of its own and refer to it by name`)
}

const inlineName = (name: string, files: SchemaFiles, defined: Set<string>): AvroType => {
  const schema = files.get(name)
  if (isPrimitive(name) || defined.has(name) || schema === undefined) return name
  defined.add(name)
  return schema.type === 'enum' ? schema : inlineRecord(schema, files, defined)
}
