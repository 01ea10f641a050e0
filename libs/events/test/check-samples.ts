import { expect } from '@jest/globals'
import { compileType } from '../src/avro-types.ts'
import { makeDecoder } from '../src/decoder.ts'
import type { EventCatalogue, StoredForm } from '../src/event-catalogue.ts'
import type { TopicName } from '../src/topics.ts'
import { upcastData } from '../src/upcast-data.ts'

/**
 * Samples are frozen: <Type>.v<n>.json is an event as version n of its record wrote it, with the writer's schema.
 * A change of a schema adds a version. When a type becomes a former one, each of its samples gets a file beside it,
 * <Type>.v<n>.upcast.json, with what its upcaster makes of it: history must not change with the code.
 */
export type SampleFiles = ReadonlyMap<string, unknown>

export type Sample = {
  readonly type: string
  readonly data: object
  readonly avroHex: string
  readonly writerSchema: object
}

const fileName = /^(?<type>\w+)\.v(?<version>[1-9]\d*)(?<upcast>\.upcast)?\.json$/

/** Throws when versions of a type are missing, or the newest sample has not the schema that is written today. */
export const checkVersions = (files: SampleFiles, { type, avroType }: StoredForm): void => {
  const versions = [...files.keys()].flatMap((file) => {
    const { groups } = fileName.exec(file) ?? {}
    return groups?.['type'] === type && groups['upcast'] === undefined ? [Number(groups['version'])] : []
  })
  const newest = Math.max(1, ...versions)
  const missing = Array.from({ length: newest }, (_, index) => `${type}.v${index + 1}.json`).filter(
    (file) => !files.has(file),
  )
  if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`)
  const { writerSchema } = files.get(`${type}.v${newest}.json`) as Sample
  if (meaningOf(compileType(writerSchema)) !== meaningOf(avroType))
    throw new Error(`the schema of ${type} has changed: leave v${newest} as it is and add v${newest + 1}`)
}

/** All of a schema but its documentation; unlike Avro's canonical form it has the defaults. */
const meaningOf = (avroType: StoredForm['avroType']): string =>
  JSON.stringify(avroType.schema({ exportAttrs: true }), (name, value: unknown) =>
    name === 'doc' ? undefined : value,
  )

/** Throws when a sample is not what its writer wrote, or when today's code does not make the same event of it. */
export const checkSample = async (
  files: SampleFiles,
  catalogue: EventCatalogue,
  file: string,
): Promise<void> => {
  const { type = '', version = '', upcast } = fileName.exec(file)?.groups ?? {}
  const form = catalogue.get(type)
  if (form === undefined) throw new Error(`${file}: no schema of ${type} is left to read it`)
  const upcastFile = `${type}.v${version}.upcast.json`
  if (upcast !== undefined) {
    if (form.upcasts.length === 0) throw new Error(`${file}: ${type} has no upcaster`)
    return
  }
  const sample = files.get(file) as Sample
  expect(sample.type).toBe(type)
  const stored = checkBytes(sample, form)
  await checkDecoding(sample, form, catalogue)
  if (form.upcasts.length > 0) checkUpcast(files.get(upcastFile), form, stored)
}

/** The stored data as today's schema of the same record reads it. */
const checkBytes = ({ data, avroHex, writerSchema }: Sample, { schema, avroType }: StoredForm): unknown => {
  const writer = compileType(writerSchema)
  const bytes = Buffer.from(avroHex, 'hex')
  expect(writer.fromBuffer(bytes)).toStrictEqual(data)
  expect(writer.toBuffer(data).toString('hex')).toBe(avroHex)
  const stored: unknown = avroType.fromBuffer(bytes, avroType.createResolver(writer))
  expect(stored).toMatchObject(fieldsOf(schema, data))
  return stored
}

const checkDecoding = async (
  { avroHex, writerSchema }: Sample,
  { newestType, topics }: StoredForm,
  catalogue: EventCatalogue,
): Promise<void> => {
  const text = JSON.stringify(writerSchema)
  const decoder = makeDecoder({ schemaOf: async () => ({ format: 'AVRO', text }) }, catalogue)
  await decoder.ensureWriters([1])
  const bytes = Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), Buffer.from(avroHex, 'hex')])
  for (const topic of topics) expect(decoder.decode(topic as TopicName, bytes).type).toBe(newestType)
}

const checkUpcast = (expected: unknown, form: StoredForm, stored: unknown): void => {
  const [step] = form.upcasts
  if (step === undefined || expected === undefined)
    throw new Error(`${form.type} is a former type: say what its upcaster makes of each sample`)
  const { type, data } = expected as Pick<Sample, 'type' | 'data'>
  expect(type).toBe(step.to)
  const next = upcastData({ ...form, upcasts: [step] }, stored)
  expect(next).toMatchObject(data)
}

/** Without fields that a later version took away. Those that later versions added have their defaults. */
const fieldsOf = ({ fields }: StoredForm['schema'], data: object): object =>
  Object.fromEntries(Object.entries(data).filter(([name]) => fields.some((field) => field.name === name)))
