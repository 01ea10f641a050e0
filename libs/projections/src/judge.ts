// Whether a document is the same on two sides that neither stand still nor are read in one snapshot.
//
// What a side shows of a place is so from the last event in the document up to the position that the side has reached:
// nothing between the two has changed it. Where these stretches of both sides meet, in each place, both have seen the
// same events, so the documents have to be the same.
//
// What is not there has no last event: it may have been deleted at the very position that its side has reached, and is
// missing for certain only there. That a fold of the log keeps what it has deleted does not help: of what came and went
// within one stretch it has nothing to keep.

import type { AnyProjection } from '@millrace/domain'
import { allDifferencesOf, type FieldDifference } from './differences.ts'
import { documentOf } from './log-fold.ts'
import { isThere, type Sight, type SourcePartial } from './source.ts'

export type Verdict =
  | { readonly type: 'equal' }
  /** `fields` are all there are. */
  | { readonly type: 'different'; readonly fields: readonly FieldDifference[] }
  /** The sides do not meet. */
  | { readonly type: 'unsettled' }

export type Seen = {
  readonly sight: Pick<Sight, 'documents' | 'reached'>
  readonly projection: AnyProjection
}

export const judge = (one: Seen, other: Seen, key: string): Verdict => {
  const [mine, theirs] = [partialsOf(one, key), partialsOf(other, key)]
  const places = new Set([...mine, ...theirs].map(({ place }) => place))
  const doMeet = [...places].every((place) =>
    meet(stretchOf(one, mine, place), stretchOf(other, theirs, place)),
  )
  if (!doMeet) return { type: 'unsettled' }
  const fields = allDifferencesOf(documentOf(one.projection, mine), documentOf(other.projection, theirs))
  return fields.length === 0 ? { type: 'equal' } : { type: 'different', fields }
}

const partialsOf = ({ sight }: Seen, key: string): readonly SourcePartial[] =>
  (sight.documents.get(key) ?? []).filter(isThere)

type Stretch = { readonly from: number; readonly to: number }

const meet = (one: Stretch, other: Stretch): boolean => one.from <= other.to && other.from <= one.to

/** A side has all of a place that it makes nothing of. */
const stretchOf = (
  { sight, projection }: Seen,
  partials: readonly SourcePartial[],
  place: string,
): Stretch => {
  const topic = place.slice(0, place.lastIndexOf('/'))
  if (!projection.sources.some((name) => name === topic)) return { from: 0, to: Infinity }
  const to = sight.reached.get(place) ?? 0
  const here = partials.filter((partial) => partial.place === place)
  return { from: here.length > 0 ? Math.max(...here.map(({ sequence }) => sequence)) : to, to }
}
