// Whether two makings of a read model are the same: a new build and the served one, or a build and a fold of the log.
// Neither stands still, and judge.ts says when a document can be compared at all. What could not be, and whatever
// differs, is looked at again after a pause; a difference counts when it is still there at the second look, and an
// expected one at once.

import type { AnyProjection } from '@millrace/domain'
import { pause } from '@millrace/runtime'
import { MAX_FIELDS, type FieldDifference } from './differences.ts'
import { ExpectedCount, type DocumentDifference, type ExpectedDifferences } from './expected-differences.ts'
import { judge, type Lacking, type Verdict } from './judge.ts'
import { isThere, type Sight, type Source, type SourcePartial } from './source.ts'

export type Side = { readonly source: Source; readonly projection: AnyProjection }

export type Comparison = {
  /** Documents that either side has; one that changes meanwhile may count twice. */
  readonly compared: number
  readonly different: readonly DocumentDifference[]
  /** Never came to rest at the same position; they are neither equal nor different. */
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

/** A document of which it is not known yet that both sides have the same. */
type Open = { readonly isDifferent: boolean; readonly lacking: Lacking }

type Comparing = CompareOptions & {
  readonly one: Side
  readonly other: Side
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
  await advance(comparing)
  for await (const keys of keysOf(comparing)) {
    await look(comparing, keys)
    compared += keys.length
    onProgress?.(compared)
    // What the sides have got since they were read first is unsettled, and grows as long as this lasts.
    if (isTooMuch()) await lookAgain(comparing, Math.max(0, (MAX_KEPT - different.size) >> 1))
    if (isTooMuch()) break
  }
  const isCutShort = isTooMuch()
  await lookAgain(comparing, 0)
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

const advance = async ({ one, other, signal }: Comparing): Promise<void> => {
  signal?.throwIfAborted()
  await Promise.all([one.source.advance(), other.source.advance()])
}

const look = async (comparing: Comparing, keys: readonly string[]): Promise<void> => {
  const { one, other, open, signal } = comparing
  signal?.throwIfAborted()
  const a = { sight: await one.source.read(keys), projection: one.projection }
  const b = { sight: await other.source.read(keys), projection: other.projection }
  for (const key of keys) settle(comparing, key, judge(a, b, { key, ...(open.get(key) ?? {}) }))
}

const settle = (comparing: Comparing, key: string, verdict: Verdict): void => {
  const { open, different, expected } = comparing
  const { isDifferent = false, lacking = {} } = open.get(key) ?? {}
  switch (verdict.type) {
    case 'equal':
      return void open.delete(key)
    case 'unsettled':
      return void open.set(key, { isDifferent, lacking: verdict.lacking })
    case 'different': {
      const { fields, isExpected } = sortOut(comparing, verdict.fields)
      if (!isExpected && !isDifferent) return void open.set(key, { isDifferent: true, lacking })
      open.delete(key)
      if (isExpected) expected.add({ key, fields })
      else different.set(key, fields)
    }
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
    await advance(comparing)
    for (const piece of inPieces([...open.keys()])) await look(comparing, piece)
  }
}
