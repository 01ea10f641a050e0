import type { AnyProjection, Document } from '@millrace/domain'
import type { RecordedEvent } from '@millrace/events'
import type { DocumentWrite } from '@millrace/mongo'

/** The document of an event in its projection: the tenant is part of the id, so tenants cannot meet. */
export const documentIdOf = (projection: AnyProjection, event: RecordedEvent): string =>
  `${event.tenant}/${projection.documentKey(event)}`

type Folded = {
  document: Document | null
  readonly before: Document | null
  tenant: string
  sequence: number
}

/**
 * Folds events, in log order, into the documents they touch: one write per changed document, however many events
 * it took. `stored` holds the documents as they are.
 */
export const foldBatch = (
  projection: AnyProjection,
  events: readonly RecordedEvent[],
  stored: ReadonlyMap<string, Document>,
): DocumentWrite[] => {
  const folded = new Map<string, Folded>()
  for (const event of events) {
    const id = documentIdOf(projection, event)
    const known = folded.get(id)
    const before = known ? known.document : (stored.get(id) ?? null)
    const document = projection.evolve(before, event)
    if (known) Object.assign(known, { document, sequence: event.sequence })
    else folded.set(id, { document, before, tenant: event.tenant, sequence: event.sequence })
  }
  return [...folded]
    .filter(([, { document, before }]) => document !== before)
    .map(([id, { document, tenant, sequence }]) => ({ id, tenant, sequence, fields: document }))
}
