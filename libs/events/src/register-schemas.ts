import type { RegistryOptions } from './ask-registry.ts'
import type { EventCatalogue } from './event-catalogue.ts'
import { connectRegistry, type SchemaRegistry } from './schema-registry.ts'
import { shippedEvents } from './shipped-events.ts'
import { subjectOf } from './topics.ts'

export type RegisteredSubject = { readonly subject: string; readonly id: number }

type Progress = RegisteredSubject & { readonly done: number; readonly total: number }

export type RegisterOptions = RegistryOptions & {
  readonly onProgress?: (progress: Progress) => void
  readonly catalogue?: EventCatalogue
}

/**
 * Registers every record under the subjects of its topics, each held to FULL_TRANSITIVE from before its first
 * version; for set-up jobs and development. Doing it again changes nothing. Throws IncompatibleSchemaError.
 * Former records too: that proves, before a service starts, that their files still read every version ever written.
 */
export const registerSchemas = (options: RegisterOptions): Promise<readonly RegisteredSubject[]> =>
  registerAll(connectRegistry(options), options.onProgress ?? (() => {}), options.catalogue)

export const registerAll = async (
  registry: SchemaRegistry,
  onProgress: (progress: Progress) => void,
  catalogue: EventCatalogue = shippedEvents(),
): Promise<readonly RegisteredSubject[]> => {
  const registered: RegisteredSubject[] = []
  const planned = planSubjects(catalogue)
  for (const { subject, schema } of planned) {
    await registry.setFullTransitive(subject)
    const entry = { subject, id: await registry.register(subject, schema) }
    registered.push(entry)
    onProgress({ ...entry, done: registered.length, total: planned.length })
  }
  return registered
}

const planSubjects = (catalogue: EventCatalogue) =>
  [...catalogue.values()].flatMap(({ type, schema, topics }) =>
    topics.map((topic) => ({ subject: subjectOf(topic, type), schema })),
  )
