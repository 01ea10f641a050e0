import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  isUnion,
  type AvroEnum,
  type AvroField,
  type AvroRecord,
  type AvroType,
} from '../libs/events/src/avro-schema.ts'
import { loadEventSchemas, readSchemaFiles, type SchemaFiles } from '../libs/events/src/load-schemas.ts'

/** Writes the TypeScript types of all Avro schemas; with --check it only compares. Entered below the schemas, not by the lib's index, because the index needs what is generated here. */
export const generateEventTypes = (files: SchemaFiles = readSchemaFiles()): string => {
  const events = [...loadEventSchemas(files).keys()].sort()
  const declarations = [...files.values()]
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .map((schema) => (schema.type === 'enum' ? enumDeclaration(schema) : recordDeclaration(schema)))
  return [
    '// Generated from schemas/**/*.avsc by `npm run generate`. Do not edit.',
    ...declarations,
    ['export type StoredDataByType = {', ...events.map((name) => `  readonly ${name}: ${name}`), '}'].join(
      '\n',
    ),
    'export type StoredType = keyof StoredDataByType',
    [
      'export const storedTypes = [',
      ...events.map((name) => `  '${name}',`),
      '] as const satisfies readonly StoredType[]',
    ].join('\n'),
  ]
    .join('\n\n')
    .concat('\n')
}

const enumDeclaration = ({ name, doc, symbols }: AvroEnum): string =>
  `/** ${doc} */\nexport type ${name} = ${symbols.map((symbol) => `'${symbol}'`).join(' | ')}`

const recordDeclaration = ({ name, doc, fields }: AvroRecord): string =>
  fields.length === 0
    ? `/** ${doc} */\nexport type ${name} = Readonly<Record<string, never>>`
    : [`/** ${doc} */`, `export type ${name} = {`, ...fields.flatMap(fieldLines), '}'].join('\n')

const fieldLines = (field: AvroField): string[] => [
  `  /** ${field.doc} */`,
  `  readonly ${field.name}: ${typeScriptOf(field.type)}`,
]

const typeScriptOf = (type: AvroType): string => {
  if (typeof type === 'string') return typeScriptOfName(type)
  if (isUnion(type)) return typeScriptOfUnion(type)
  if (type.type === 'array') return `readonly ${parenthesised(typeScriptOf(type.items))}[]`
  throw new Error(`${type.name} is nested; give it a file of its own and refer to it by name`)
}

const typeScriptOfName = (name: string): string => {
  switch (name) {
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return 'number'
    case 'boolean':
    case 'string':
    case 'null':
      return name
    default:
      return name.slice(name.lastIndexOf('.') + 1)
  }
}

const typeScriptOfUnion = (branches: readonly AvroType[]): string => {
  const others = branches.filter((branch) => branch !== 'null')
  const [other] = others
  if (other === undefined || others.length !== 1 || branches.length !== 2) {
    throw new Error(`a union must be null and one type, not ${JSON.stringify(branches)}`)
  }
  return `${typeScriptOf(other)} | null`
}

const parenthesised = (type: string): string => (type.includes(' ') ? `(${type})` : type)

const generatedFile = fileURLToPath(new URL('../libs/events/src/generated/event-types.ts', import.meta.url))

const main = (check: boolean): void => {
  const generated = generateEventTypes()
  if (!check) return writeFileSync(generatedFile, generated)
  if (readFileSync(generatedFile, 'utf8') === generated) return
  console.error(
    'libs/events/src/generated/event-types.ts differs from the schemas: run `npm run generate` and commit.',
  )
  process.exitCode = 1
}

if (import.meta.main) main(process.argv.includes('--check'))
