/*
 * The smallest engine that keeps the projector's promise, for one partition: what was seen (by sequence) is dropped,
 * a jump stops, and a document goes through JSON between two events, as it goes through the database.
 */
import { deepStrictEqual } from 'node:assert/strict'
import type { Document, Projection } from '@millrace/domain'
import type { RecordedEvent } from '@millrace/events'
import { frozen } from './frozen.ts'

export type ReadModel<Doc> = {
  readonly documents: ReadonlyMap<string, Doc>
  readonly lastSequence: number | null
}

export const emptyReadModel = { documents: new Map<string, never>(), lastSequence: null }

export const deliver = <Doc extends Document>(
  projection: Projection<Doc>,
  before: ReadModel<Doc>,
  events: readonly RecordedEvent[],
): ReadModel<Doc> => {
  const documents = new Map(before.documents)
  let lastSequence = before.lastSequence
  for (const event of events) {
    if (lastSequence !== null && event.sequence <= lastSequence) continue
    if (lastSequence !== null && event.sequence !== lastSequence + 1) {
      throw new Error(`Sequence ${event.sequence} after ${lastSequence}: the given events have a gap`)
    }
    applyTo(documents, projection, event)
    lastSequence = event.sequence
  }
  return { documents, lastSequence }
}

const applyTo = <Doc extends Document>(
  documents: Map<string, Doc>,
  projection: Projection<Doc>,
  event: RecordedEvent,
): void => {
  const id = `${event.tenant}/${projection.documentKey(event)}`
  const document = projection.evolve(documents.get(id) ?? null, frozen(event))
  if (document === null) documents.delete(id)
  else documents.set(id, stored(document))
}

const stored = <Doc extends Document>(document: Doc): Doc => {
  deepStrictEqual(JSON.parse(JSON.stringify(document)), document, 'a document must be plain JSON')
  return frozen(document)
}
