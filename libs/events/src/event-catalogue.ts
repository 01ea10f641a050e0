import type avro from 'avsc'
import type { AvroRecord } from './avro-schema.ts'
import { compileType } from './avro-types.ts'

/** What makes up a catalogue; shipped-events.ts has ours, tests evolve it. */
export type EventDefinitions = {
  /** Self-contained schema of every record that is or was written, by its name. */
  readonly schemas: ReadonlyMap<string, AvroRecord>
  /** The records that are written today, by topic. */
  readonly recordTypes: Readonly<Record<string, readonly string[]>>
  /** What took the place of a former record, by its name. */
  readonly upcasters: Readonly<Record<string, Upcaster>>
}

// A method, because its parameter is checked loosely: the table in upcasters.ts knows the types of each.
export type Upcaster = { readonly to: string; upcast(this: void, data: unknown): unknown }

/** Every form in which an event may be stored, by record name. */
export type EventCatalogue = ReadonlyMap<string, StoredForm>

export type StoredForm = {
  readonly type: string
  readonly schema: AvroRecord
  readonly avroType: avro.Type
  /** From this form to the newest one; empty when it is the newest. */
  readonly upcasts: readonly Upcast[]
  /** What an event of this form is once it is decoded. */
  readonly newestType: string
  /** The topics that carry its newest form. */
  readonly topics: readonly string[]
}

/** One step: from a former type to the one that took its place, whose schema `avroType` is. */
export type Upcast = Upcaster & { readonly from: string; readonly avroType: avro.Type }

/** Throws when the definitions do not fit together, before anything is read or written by them. */
export const makeEventCatalogue = (definitions: EventDefinitions): EventCatalogue => {
  const { schemas, recordTypes, upcasters } = definitions
  const avroTypes = new Map([...schemas].map(([type, schema]) => [type, compileType(schema)]))
  const named = [...Object.values(recordTypes).flat(), ...Object.keys(upcasters)]
  for (const type of named) knownType(avroTypes, type)
  const forms = new Map<string, StoredForm>()
  for (const [type, schema] of schemas) {
    const avroType = knownType(avroTypes, type)
    const upcasts = upcastsFrom(type, upcasters, avroTypes)
    const newestType = upcasts.at(-1)?.to ?? type
    const topics = topicsOf(newestType, recordTypes)
    forms.set(type, { type, schema, avroType, upcasts, newestType, topics })
  }
  for (const form of forms.values()) checkForm(form, definitions)
  return forms
}

const upcastsFrom = (
  type: string,
  upcasters: EventDefinitions['upcasters'],
  avroTypes: ReadonlyMap<string, avro.Type>,
): readonly Upcast[] => {
  const steps: Upcast[] = []
  const seen = new Set([type])
  for (let from = type, step = upcasters[from]; step !== undefined; from = step.to, step = upcasters[from]) {
    if (seen.has(step.to))
      throw new Error(`${[...seen, step.to].join(' → ')}: upcasters must not go in circles`)
    seen.add(step.to)
    steps.push({ ...step, from, avroType: knownType(avroTypes, step.to) })
  }
  return steps
}

const topicsOf = (type: string, recordTypes: EventDefinitions['recordTypes']): readonly string[] =>
  Object.keys(recordTypes).filter((topic) => recordTypes[topic]?.includes(type))

const knownType = (avroTypes: ReadonlyMap<string, avro.Type>, type: string): avro.Type => {
  const avroType = avroTypes.get(type)
  if (avroType === undefined) throw new Error(`${type} has no .avsc file`)
  return avroType
}

const checkForm = (form: StoredForm, { schemas, recordTypes }: EventDefinitions): void => {
  const { type, schema, upcasts, newestType, topics } = form
  if (topics.length === 0 && upcasts.length === 0)
    throw new Error(`${type} is on no topic and becomes nothing`)
  if (topics.length === 0) throw new Error(`${type} becomes ${newestType}, which is on no topic`)
  if (upcasts.length === 0) return
  if (schemas.get(newestType)?.namespace !== schema.namespace)
    throw new Error(`${type} becomes ${newestType}, which belongs to another context`)
  const [stillOn] = topicsOf(type, recordTypes)
  if (stillOn !== undefined)
    throw new Error(`${type} has an upcaster: take it off ${stillOn}, nobody writes it`)
}
