/*
 * Partials may be used only if they cannot be seen. However the events of a document are spread over partitions, parts
 * and batches, in whichever order they come and in whichever order a reader merges: the document is the same, to the
 * letter, because its ETag is a hash of the text.
 *
 * `checkGroupedLaws` tries one way, made of the choices it is given; a generator of cases has to try many.
 */
import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import type { Document, Place, Projection } from '@millrace/domain'
import type { RecordedEvent } from '@millrace/events'
import { stored } from './deliver.ts'
import { frozen } from './frozen.ts'

/** A whole number from 0 up to the bound, without it. */
export type Choose = (below: number) => number

type Change = { readonly id: string; readonly event: RecordedEvent; readonly place: Place }

/** Throws an AssertionError when the events give other documents if they are spread and merged as chosen. */
export const checkGroupedLaws = <Doc extends Document>(
  projection: Projection<Doc>,
  events: readonly RecordedEvent[],
  choose: Choose,
): void => {
  const changes = events.flatMap((event) =>
    projection.placesOf(frozen(event)).map((place): Change => {
      const id = `${event.tenant}/${place.key}`
      return { id, event, place: frozen(place) }
    }),
  )
  for (const ofDocument of Map.groupBy(changes, ({ id }) => id).values()) {
    const expected = partialOf(projection, ofDocument)
    const merged = mergeAnyhow(projection, spread(projection, ofDocument, choose), choose)
    if (expected === null || merged === null) throw new TypeError('a grouped document never goes away')
    same(merged, expected, 'spread over partials')
    same(stored(projection.view(merged, 0)), stored(projection.view(expected, 0)), 'seen by a reader')
  }
}

/** What one partial makes of them. */
const partialOf = <Doc extends Document>(
  { evolve }: Projection<Doc>,
  changes: readonly Change[],
): Doc | null =>
  changes.reduce<Doc | null>((document, { event, place }) => {
    const next = evolve(document, event, place)
    return next === null ? null : stored(next)
  }, null)

/** The partials, after the changes came to any of them in any order. */
const spread = <Doc extends Document>(
  projection: Projection<Doc>,
  changes: readonly Change[],
  choose: Choose,
): Doc[] => {
  const waiting = [...changes]
  const taken: Change[] = []
  while (waiting.length > 0) taken.push(...waiting.splice(choose(waiting.length), 1))
  const partialCount = 1 + choose(changes.length)
  return [...Map.groupBy(taken, () => choose(partialCount)).values()]
    .map((ofPartial) => partialOf(projection, ofPartial))
    .filter((partial) => partial !== null)
}

const mergeAnyhow = <Doc extends Document>(
  projection: Projection<Doc>,
  partials: readonly Doc[],
  choose: Choose,
): Doc | null => {
  const merge = (one: Doc, other: Doc): Doc => stored(projection.merge(one, other))
  const left = [...partials]
  const takeOne = (): Doc[] => left.splice(choose(left.length), 1)
  while (left.length > 1) {
    const [one, other] = [...takeOne(), ...takeOne()] as [Doc, Doc]
    const both = merge(one, other)
    same(merge(other, one), both, 'merge is not commutative')
    const [third] = left
    if (third) same(merge(one, merge(other, third)), merge(both, third), 'merge is not associative')
    left.push(both)
  }
  return left[0] ?? null
}

const same = (actual: Document, expected: Document, message: string): void => {
  deepStrictEqual(actual, expected, message)
  strictEqual(JSON.stringify(actual), JSON.stringify(expected), `${message}: another order of fields`)
}
