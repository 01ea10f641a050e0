import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { generateEventTypes } from '../../../tools/generate-event-types.ts'
import { fullNameOf, type AvroRecord, type NamedSchema } from '../src/avro-schema.ts'
import { compileType } from '../src/avro-types.ts'
import { storedTypes } from '../src/generated/event-types.ts'
import { loadEventSchemas, readSchemaFiles } from '../src/load-schemas.ts'

const files = readSchemaFiles()
const filesOf = (...schemas: NamedSchema[]) => new Map(schemas.map((schema) => [fullNameOf(schema), schema]))
const record = (name: string, fields: AvroRecord['fields']): AvroRecord => ({
  type: 'record',
  name,
  namespace: 'millrace.test',
  doc: name,
  fields,
})
const point = record('Point', [{ name: 'x', type: 'long', doc: '' }])

describe('schemas', () => {
  it('are the source of the generated types', () => {
    const generated = readFileSync(new URL('../src/generated/event-types.ts', import.meta.url), 'utf8')
    expect(generateEventTypes()).toBe(generated)
  })

  it('define one stored type for each record that no other record uses', () => {
    expect([...loadEventSchemas().keys()].toSorted()).toEqual([...storedTypes])
  })

  it.each([...files])('%s documents itself and its fields', (_name, schema) => {
    const docs = schema.type === 'enum' ? [schema.doc] : [schema.doc, ...schema.fields.map(({ doc }) => doc)]
    for (const doc of docs) expect(doc).toMatch(/\S/)
  })

  it.each([...loadEventSchemas()])('%s stands alone', (_name, schema) => {
    expect(() => compileType(schema)).not.toThrow()
  })

  it('define a nested record at its first use and name it afterwards', () => {
    const line = record('Line', [
      { name: 'from', type: 'millrace.test.Point', doc: '' },
      { name: 'to', type: { type: 'array', items: 'millrace.test.Point' }, doc: '' },
    ])
    expect(
      loadEventSchemas(filesOf(line, point))
        .get('Line')
        ?.fields.map(({ type }) => type),
    ).toEqual([point, { type: 'array', items: 'millrace.test.Point' }])
  })

  it('refuse two event types of one name', () => {
    const other = { ...point, namespace: 'millrace.other' }
    expect(() => loadEventSchemas(filesOf(point, other))).toThrow('two event types are called Point')
  })

  it('refuse maps and unions of several types', () => {
    expect(() => compileType({ type: 'map', values: 'long' })).toThrow('maps are not supported')
    const either = record('Either', [{ name: 'x', type: ['string', 'long'], doc: '' }])
    expect(() => generateEventTypes(filesOf(either))).toThrow('a union must be null and one type')
  })
})
