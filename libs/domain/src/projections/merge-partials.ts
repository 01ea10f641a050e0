import type { Document, Projection } from './projection.ts'

/** All partials of one key as its document; pairwise, so that long lists are not copied once per partial. */
export const mergePartials = <Doc extends Document>(
  { merge }: Pick<Projection<Doc>, 'merge'>,
  partials: readonly [Doc, ...Doc[]],
): Doc => {
  const [first, ...others] = partials
  if (others.length === 0) return first
  const half = partials.length >> 1
  const [one, two] = [partials.slice(0, half), partials.slice(half)] as [[Doc, ...Doc[]], [Doc, ...Doc[]]]
  return merge(mergePartials({ merge }, one), mergePartials({ merge }, two))
}
