// Whether two makings of a read model are the same: a new build and the served one, or a build and a fold of the log.
// Neither stands still, so all documents are looked at once as they are, and judge.ts says when two can be compared. What
// could not be, and whatever differs, is looked at again, this time at one position: both sides are read, and in each
// partition the one that is behind is taken on in memory, by its own code and from the event store, to exactly where
// the other one is. So no document has to rest, and no side has to catch up.
//
// Why that is sound: what a side shows is what it really has, read in one snapshot with how far it is. What is added are
// the events that it has not come to, by the same steps as its projector's. Where the two are equal then, they differ
// in nothing that either has done, but for what those events put right; where they are not, they would differ at that
// position too. What a fold cannot foresee is an event that the side will park for what is not looked at here (its store
// refuses the document, or another document cannot have the event). So a difference counts when it is still there once both
// have come by themselves to where it was seen first, or one has not for all looks; an expected one counts at once.
//
// What is made of topics that the store does not keep cannot be taken on: it is looked at until both sides meet.

import type { AnyProjection } from '@millrace/domain'
import { pause } from '@millrace/runtime'
import { MAX_FIELDS, type FieldDifference } from './differences.ts'
import { ExpectedCount, type DocumentDifference, type ExpectedDifferences } from './expected-differences.ts'
import { judge, type Verdict } from './judge.ts'
import { isThere, type Positions, type Sight, type Source, type SourcePartial } from './source.ts'

export type Side = { readonly source: Source; readonly projection: AnyProjection }

export type Comparison = {
  /** Documents that either side has; one that changes meanwhile may count twice. */
  readonly compared: number
  readonly different: readonly DocumentDifference[]
  /** Were never seen at one position; they are neither equal nor different. */
  readonly unsettled: readonly string[]
  /** Too many were different or unsettled: the others were not looked at. */
  readonly isCutShort: boolean
  /** That differ in nothing but what was expected. */
  readonly expected: ExpectedDifferences
}

export type CompareOptions = {
  /** Which documents to look at; all unless given. */
  readonly wants?: (key: string) => boolean
  /** No difference is, unless given. */
  readonly isExpected?: (difference: FieldDifference) => boolean
  readonly onProgress?: (compared: number) => void
  readonly signal?: AbortSignal
  /** Looks after the first one. */
  readonly looks?: number
  readonly pauseMs?: number
}

/** Documents that are kept in mind: with more differences one knows what one wanted to know. */
const MAX_KEPT = 1_000
const KEYS_AT_A_TIME = 200
const LOOKS = 20
const PAUSE_MS = 250

type Open = {
  /** Where the further side was when they were seen to differ first; null: they were not. */
  readonly differentAt: Positions | null
  /** That differed at the last look. */
  readonly fields: readonly FieldDifference[]
}

const NEVER_DIFFERENT: Open = { differentAt: null, fields: [] }

type Comparing = CompareOptions & {
  readonly one: Side
  readonly other: Side
  /** Documents of which it is not known yet that both sides have the same. */
  readonly open: Map<string, Open>
  readonly different: Map<string, readonly FieldDifference[]>
  readonly expected: ExpectedCount
}

export const compareSources = async (
  one: Side,
  other: Side,
  options: CompareOptions = {},
): Promise<Comparison> => {
  const { onProgress } = options
  const open = new Map<string, Open>()
  const different = new Map<string, readonly FieldDifference[]>()
  const expected = new ExpectedCount()
  const comparing = { ...options, one, other, open, different, expected }
  const isTooMuch = (): boolean => open.size + different.size > MAX_KEPT
  let compared = 0
  for await (const keys of keysOf(comparing)) {
    await look(comparing, keys, asTheyAre)
    compared += keys.length
    onProgress?.(compared)
    // What the sides have got since they were read first is unsettled, and grows as long as this lasts.
    if (isTooMuch()) await lookAgain(comparing, Math.max(0, (MAX_KEPT - different.size) >> 1))
    if (isTooMuch()) break
  }
  const isCutShort = isTooMuch()
  await lookAgain(comparing, 0)
  giveUpWaiting(comparing)
  return {
    compared,
    different: [...different].map(([key, fields]) => ({ key, fields })),
    unsettled: [...open.keys()],
    isCutShort,
    expected,
  }
}

/** All keys of one, and those that only the other has, or had while the one was listed. */
async function* keysOf({ one, other, wants = () => true, signal }: Comparing) {
  const before = await one.source.read([])
  for await (const keys of one.source.keys()) {
    signal?.throwIfAborted()
    yield* inPieces(keys.filter(wants))
  }
  for await (const keys of other.source.keys()) {
    for (const piece of inPieces(keys.filter(wants))) {
      signal?.throwIfAborted()
      const { documents } = await one.source.read(piece)
      const unlisted = piece.filter((key) => !wasThere(before, documents.get(key)))
      if (unlisted.length > 0) yield unlisted
    }
  }
}

/** What has not changed since then cannot have been missed. */
const wasThere = ({ reached }: Sight, partials: readonly SourcePartial[] = []): boolean =>
  partials.some((one) => isThere(one) && one.sequence <= (reached.get(one.place) ?? 0))

const inPieces = (keys: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(keys.length / KEYS_AT_A_TIME) }, (_, index) =>
    keys.slice(index * KEYS_AT_A_TIME, (index + 1) * KEYS_AT_A_TIME),
  )

/** Of two sides, and how far each of them was by itself. */
type Sights = { readonly sights: readonly [one: Sight, other: Sight]; readonly reached: readonly Positions[] }

type Looking = (comparing: Comparing, keys: readonly string[]) => Promise<Sights>

const asTheyAre: Looking = async ({ one, other }, keys) => {
  const sights = [await one.source.read(keys), await other.source.read(keys)] as const
  return { sights, reached: sights.map(({ reached }) => reached) }
}

const atOnePosition: Looking = async (comparing, keys) => {
  const { sights, reached } = await asTheyAre(comparing, keys)
  const [a, b] = sights
  const furthest = furthestOf(a.reached, b.reached)
  return { sights: [await a.at(furthest), await b.at(furthest)], reached }
}

/** Both sides have come there by themselves: what they park on their way is parked. */
const isPast = (position: Positions | null, reached: readonly Positions[]): boolean =>
  position !== null &&
  reached.every((one) => [...position].every(([place, sequence]) => (one.get(place) ?? sequence) >= sequence))

const furthestOf = (one: Positions, other: Positions): Positions =>
  new Map(
    [...one, ...other].map(
      ([place]) => [place, Math.max(one.get(place) ?? 0, other.get(place) ?? 0)] as const,
    ),
  )

const look = async (comparing: Comparing, keys: readonly string[], looking: Looking): Promise<void> => {
  const { one, other, signal } = comparing
  signal?.throwIfAborted()
  const {
    sights: [a, b],
    reached,
  } = await looking(comparing, keys)
  const mine = { sight: a, projection: one.projection }
  const theirs = { sight: b, projection: other.projection }
  for (const key of keys) settle(comparing, { key, verdict: judge(mine, theirs, key), reached })
}

type Judged = { readonly key: string; readonly verdict: Verdict; readonly reached: readonly Positions[] }

const settle = (comparing: Comparing, { key, verdict, reached }: Judged): void => {
  const { open, different, expected } = comparing
  const before = open.get(key) ?? NEVER_DIFFERENT
  switch (verdict.type) {
    case 'equal':
      return void open.delete(key)
    case 'unsettled':
      return void open.set(key, { ...before, fields: [] })
    case 'different': {
      const { fields, isExpected } = sortOut(comparing, verdict.fields)
      if (!isExpected && !isPast(before.differentAt, reached))
        return void open.set(key, { differentAt: before.differentAt ?? reached.reduce(furthestOf), fields })
      open.delete(key)
      if (isExpected) expected.add({ key, fields })
      else different.set(key, fields)
    }
  }
}

/** A side that still has not come to where they differed stands still: somebody had better look. */
const giveUpWaiting = ({ open, different }: Comparing): void => {
  for (const [key, { fields }] of open) {
    if (fields.length === 0) continue
    open.delete(key)
    different.set(key, fields)
  }
}

/** What was not expected comes first: it must not be cut off. */
const sortOut = (
  { isExpected = () => false }: CompareOptions,
  all: readonly FieldDifference[],
): { fields: readonly FieldDifference[]; isExpected: boolean } => {
  const unexpected = all.filter((field) => !isExpected(field))
  const fields = [...unexpected, ...all.filter(isExpected)].slice(0, MAX_FIELDS)
  return { fields, isExpected: unexpected.length === 0 }
}

/** At what is open, until no more than `rest` is. */
const lookAgain = async (comparing: Comparing, rest: number): Promise<void> => {
  const { open, signal, looks = LOOKS, pauseMs = PAUSE_MS } = comparing
  for (let count = 0; open.size > rest && count < looks; count++) {
    if (count > 0) await pause(pauseMs, signal)
    for (const piece of inPieces([...open.keys()])) await look(comparing, piece, atOnePosition)
  }
}
