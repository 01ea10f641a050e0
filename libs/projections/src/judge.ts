// Whether a document is the same on two sides that neither stand still nor are read in one snapshot.
//
// What a side shows of a place is so from the last event in the document up to the position that the side has reached:
// nothing between the two has changed it. Where these stretches of both sides meet, both have seen the same events, so
// the documents have to be the same. They meet when each side has reached the last event in the other's document.
//
// A document that is gone has no last event: it may have been deleted at the very position that its side has reached.
// So a side that lacks something lacks it for certain only there, and the other says the contrary only once it has come
// to that position too, with nothing newer in its document. The position is kept from look to look, for one side may
// always be ahead. That a fold of the log keeps what it has deleted does not help here: of what came and went within
// one stretch it has nothing to keep.

import type { AnyProjection } from '@millrace/domain'
import { allDifferencesOf, type FieldDifference } from './differences.ts'
import { documentOf } from './log-fold.ts'
import { isThere, type Sight, type SourcePartial } from './source.ts'

type Reached = Sight['reached']

/** How far each side was when it lacked what the other has. */
export type Lacking = { readonly one?: Reached; readonly other?: Reached }

export type Verdict =
  | { readonly type: 'equal' }
  /** `fields` are all there are. */
  | { readonly type: 'different'; readonly fields: readonly FieldDifference[] }
  | { readonly type: 'unsettled'; readonly lacking: Lacking }

export type Seen = { readonly sight: Sight; readonly projection: AnyProjection }

/** `lacking` is what an earlier verdict on the same document said. */
export const judge = (
  one: Seen,
  other: Seen,
  { key, lacking = {} }: { key: string; lacking?: Lacking },
): Verdict => {
  const [mine, theirs] = [partialsOf(one, key), partialsOf(other, key)]
  const [a, b] = [one.sight.reached, other.sight.reached]
  if (!isReached(b, mine) || !isReached(a, theirs)) return { type: 'unsettled', lacking }
  const fields = allDifferencesOf(documentOf(one.projection, mine), documentOf(other.projection, theirs))
  if (fields.length === 0) return { type: 'equal' }
  const [onlyMine, onlyTheirs] = [beyond(mine, theirs), beyond(theirs, mine)]
  const since = {
    one: lackedAt(lacking.one, a, onlyTheirs),
    other: lackedAt(lacking.other, b, onlyMine),
  }
  return isPast(a, since.other, onlyMine) && isPast(b, since.one, onlyTheirs)
    ? { type: 'different', fields }
    : { type: 'unsettled', lacking: since }
}

const partialsOf = ({ sight }: Seen, key: string): readonly SourcePartial[] => sight.documents.get(key) ?? []

const at = (reached: Reached, place: string): number => reached.get(place) ?? 0

const isReached = (reached: Reached, partials: readonly SourcePartial[]): boolean =>
  partials.every(({ place, sequence }) => sequence <= at(reached, place))

/** What there is at places where the other side has nothing. */
const beyond = (partials: readonly SourcePartial[], others: readonly SourcePartial[]): SourcePartial[] => {
  const places = new Set(others.filter(isThere).map(({ place }) => place))
  return partials.filter((partial) => isThere(partial) && !places.has(partial.place))
}

/** An earlier position of the side that lacks these, as long as it lies behind them. */
const lackedAt = (before: Reached | undefined, now: Reached, partials: readonly SourcePartial[]): Reached =>
  before && isReached(before, partials) ? before : now

const isPast = (reached: Reached, since: Reached, partials: readonly SourcePartial[]): boolean =>
  partials.every(({ place }) => at(since, place) <= at(reached, place))
