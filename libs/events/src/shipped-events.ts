import { makeEventCatalogue, type EventCatalogue, type EventDefinitions } from './event-catalogue.ts'
import { loadEventSchemas } from './load-schemas.ts'
import { topics } from './topics.ts'
import { upcasters } from './upcasters.ts'

/** Our schemas, topics and upcasters; reads the files. */
export const shippedDefinitions = (): EventDefinitions => ({
  schemas: loadEventSchemas(),
  recordTypes: Object.fromEntries(Object.values(topics).map(({ name, recordTypes }) => [name, recordTypes])),
  upcasters,
})

let shipped: EventCatalogue | undefined

/** The catalogue that everything uses unless told otherwise; made once, at the first call. */
export const shippedEvents = (): EventCatalogue => (shipped ??= makeEventCatalogue(shippedDefinitions()))

/**
 * All types under which events of `type` are stored, former ones included: what a search by type has to look for.
 * Empty for a former type and for one that does not exist.
 */
export const storedTypesOf = (type: string, catalogue: EventCatalogue = shippedEvents()): readonly string[] =>
  [...catalogue.values()].filter(({ newestType }) => newestType === type).map((form) => form.type)
