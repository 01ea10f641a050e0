/*
 * The smallest engine that keeps the projector's promise, for one partition: what was seen (by sequence) is dropped,
 * a jump stops, and a document goes through JSON between two events, as it goes through the database. The partials of
 * a grouped document are kept apart by their part, and put together for whoever looks at the documents.
 */
import { deepStrictEqual } from 'node:assert/strict'
import { type Document, type Place, type Projection, mergePartials } from '@millrace/domain'
import type { RecordedEvent } from '@millrace/events'
import { frozen } from './frozen.ts'

export type ReadModel<Doc> = {
  /** By `<tenant>/<key>`. */
  readonly documents: ReadonlyMap<string, Doc>
  /** What is stored: by `<tenant>/<key>`, then by part. */
  readonly partials: ReadonlyMap<string, ReadonlyMap<string, Doc>>
  readonly lastSequence: number | null
}

export const emptyReadModel = {
  documents: new Map<string, never>(),
  partials: new Map<string, ReadonlyMap<string, never>>(),
  lastSequence: null,
}

export const deliver = <Doc extends Document>(
  projection: Projection<Doc>,
  before: ReadModel<Doc>,
  events: readonly RecordedEvent[],
): ReadModel<Doc> => {
  let { partials, lastSequence } = before
  for (const event of events) {
    if (lastSequence !== null && event.sequence <= lastSequence) continue
    if (lastSequence !== null && event.sequence !== lastSequence + 1) {
      throw new Error(`Sequence ${event.sequence} after ${lastSequence}: the given events have a gap`)
    }
    partials = applyTo(partials, projection, event)
    lastSequence = event.sequence
  }
  return { documents: wholeDocuments(projection, partials), partials, lastSequence }
}

const applyTo = <Doc extends Document>(
  before: ReadModel<Doc>['partials'],
  projection: Projection<Doc>,
  event: RecordedEvent,
): ReadModel<Doc>['partials'] => {
  const partials = new Map(before)
  for (const place of projection.placesOf(frozen(event))) {
    const id = `${event.tenant}/${place.key}`
    partials.set(
      id,
      withChange(partials.get(id), place, (document) => projection.evolve(document, event, place)),
    )
  }
  return partials
}

const withChange = <Doc extends Document>(
  before: ReadonlyMap<string, Doc> | undefined,
  { part = '' }: Place,
  change: (document: Doc | null) => Doc | null,
): ReadonlyMap<string, Doc> => {
  const parts = new Map(before)
  const document = change(parts.get(part) ?? null)
  if (document === null) parts.delete(part)
  else parts.set(part, stored(document))
  return parts
}

const wholeDocuments = <Doc extends Document>(
  projection: Projection<Doc>,
  partials: ReadModel<Doc>['partials'],
): Map<string, Doc> => {
  const documents = new Map<string, Doc>()
  for (const [id, parts] of partials) {
    const [first, ...others] = parts.values()
    if (first) documents.set(id, stored(mergePartials(projection, [first, ...others])))
  }
  return documents
}

/** The document, frozen; fails when JSON would not give it back as it is. */
export const stored = <Doc extends Document>(document: Doc): Doc => {
  deepStrictEqual(JSON.parse(JSON.stringify(document)), document, 'a document must be plain JSON')
  return frozen(document)
}
