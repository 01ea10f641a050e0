import type avro from 'avsc'
import { compileType } from './avro-types.ts'
import type { AvroRecord } from './avro-schema.ts'
import { eventTypes, type EventType } from './generated/event-types.ts'
import { loadEventSchemas } from './load-schemas.ts'

export type EventAvroType = { readonly schema: AvroRecord; readonly type: avro.Type }

let loaded: ReadonlyMap<EventType, EventAvroType> | undefined

/** Schema and compiled type of every event; reads the files once, at the first call. */
export const loadEventAvroTypes = (): ReadonlyMap<EventType, EventAvroType> => (loaded ??= compileAll())

const compileAll = (): ReadonlyMap<EventType, EventAvroType> => {
  const schemas = loadEventSchemas()
  return new Map(eventTypes.map((name) => [name, compile(name, schemas.get(name))]))
}

const compile = (name: EventType, schema: AvroRecord | undefined): EventAvroType => {
  if (schema === undefined) throw new Error(`${name} has no .avsc file: run \`npm run generate\``)
  return { schema, type: compileType(schema) }
}
