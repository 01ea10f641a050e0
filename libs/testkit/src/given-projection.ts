/*
 * Given these events of one partition, then this document.
 *
 * Each check is made again for every crash and redelivery there can be: the projector stops after any event, starts
 * again at any earlier one, and everything from there comes a second time. The documents must not differ.
 */
import { deepStrictEqual, throws } from 'node:assert/strict'
import { type Document, ImpossibleEventError, type Projection } from '@millrace/domain'
import type { RecordedEvent } from '@millrace/events'
import { type ReadModel, deliver, emptyReadModel, stored } from './deliver.ts'

type Documents<Doc> = { readonly [tenantAndKey: string]: Doc }

type ProjectionOutcome<Doc> = {
  /** The only document there is; null for none. */
  thenDocument(expected: Doc | null): void
  /** All documents by `<tenant>/<key>`. */
  thenDocuments(expected: Documents<Doc>): void
  /** What readers see of the only document at that time. */
  thenView(nowMs: number, expected: Document): void
  /** The last event cannot be, after what the others made. */
  thenImpossible(): void
}

export const givenEvents = <Doc extends Document>(
  projection: Projection<Doc>,
  events: readonly RecordedEvent[],
): ProjectionOutcome<Doc> => ({
  thenDocument: (expected) => {
    deepStrictEqual([...documentsAfter(projection, events).values()], expected === null ? [] : [expected])
  },
  thenDocuments: (expected) => {
    deepStrictEqual(Object.fromEntries(documentsAfter(projection, events)), expected)
  },
  thenView: (nowMs, expected) => {
    const views = [...documentsAfter(projection, events).values()].map((document) =>
      stored(projection.view(document, nowMs)),
    )
    deepStrictEqual(views, [expected])
  },
  thenImpossible: () => {
    const before = deliver(projection, emptyReadModel, events.slice(0, -1))
    throws(() => deliver(projection, before, events.slice(-1)), isImpossible)
  },
})

// Written as a check because Node's own `throws` does not know the error classes of another realm, such as Jest's.
const isImpossible = (error: unknown): true => {
  if (error instanceof ImpossibleEventError) return true
  throw error
}

const documentsAfter = <Doc extends Document>(
  projection: Projection<Doc>,
  events: readonly RecordedEvent[],
): ReadModel<Doc>['documents'] => {
  const { documents } = deliver(projection, emptyReadModel, events)
  for (const { stop, restart } of crashesOf(events.length)) {
    const untilCrash = deliver(projection, emptyReadModel, events.slice(0, stop))
    const afterwards = deliver(projection, untilCrash, events.slice(restart))
    deepStrictEqual(afterwards.documents, documents, `stopped after ${stop}, delivered again from ${restart}`)
  }
  return documents
}

const crashesOf = (eventCount: number): { stop: number; restart: number }[] =>
  Array.from({ length: eventCount }, (_, last) => last + 1).flatMap((stop) =>
    Array.from({ length: stop }, (_, restart) => ({ stop, restart })),
  )
