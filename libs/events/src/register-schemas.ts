import type { RegistryOptions } from './ask-registry.ts'
import { loadEventAvroTypes } from './event-avro-types.ts'
import { connectRegistry, type SchemaRegistry } from './schema-registry.ts'
import { subjectOf, topics } from './topics.ts'

export type RegisteredSubject = { readonly subject: string; readonly id: number }

type Progress = RegisteredSubject & { readonly done: number; readonly total: number }

export type RegisterOptions = RegistryOptions & { readonly onProgress?: (progress: Progress) => void }

/**
 * Registers every record under the subjects of its topics, each held to FULL_TRANSITIVE from before its first
 * version; for set-up jobs and development. Doing it again changes nothing. Throws IncompatibleSchemaError.
 */
export const registerSchemas = (options: RegisterOptions): Promise<readonly RegisteredSubject[]> =>
  registerAll(connectRegistry(options), options.onProgress ?? (() => {}))

export const registerAll = async (
  registry: SchemaRegistry,
  onProgress: (progress: Progress) => void,
): Promise<readonly RegisteredSubject[]> => {
  const registered: RegisteredSubject[] = []
  const planned = planSubjects()
  for (const { subject, schema } of planned) {
    await registry.setFullTransitive(subject)
    const entry = { subject, id: await registry.register(subject, schema) }
    registered.push(entry)
    onProgress({ ...entry, done: registered.length, total: planned.length })
  }
  return registered
}

const planSubjects = () => {
  const types = loadEventAvroTypes()
  return Object.values(topics).flatMap((spec) =>
    spec.recordTypes.flatMap((recordType) => {
      const avroType = types.get(recordType)
      return avroType === undefined
        ? []
        : [{ subject: subjectOf(spec.name, recordType), schema: avroType.schema }]
    }),
  )
}
