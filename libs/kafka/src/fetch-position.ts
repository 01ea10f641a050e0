/**
 * Does a fetched batch continue what was fetched before?
 *
 * kafkajs does not say when it moves on its own: when an offset is out of range it goes to the oldest record, or to
 * the first of a topic that was made anew, and a batch fetched before a rebalance may still arrive after it. Both
 * look alike: a batch fetched from somewhere else than expected. So the first such batch is dropped and the expected
 * offset is fetched again; if that comes back from elsewhere too, Kafka does not have the expected offset any more:
 * the jump is taken and reported.
 */
export type FetchPosition = {
  readonly expected: bigint
  /** Where the next fetch starts if the records up to there were all invisible: control or compacted records. */
  readonly beyondInvisible: bigint | null
  readonly isDoubted: boolean
}

export type FetchVerdict =
  | { readonly type: 'continues'; readonly position: FetchPosition }
  | { readonly type: 'refetch'; readonly position: FetchPosition }
  | { readonly type: 'jumped'; readonly expected: bigint; readonly position: FetchPosition }

export const fetchFrom = (expected: bigint): FetchPosition => ({
  expected,
  beyondInvisible: null,
  isDoubted: false,
})

/** kafkajs does not hand on a batch without visible records, nor say where it was fetched from. */
export const skipInvisible = (position: FetchPosition, endOffset: bigint): FetchPosition =>
  endOffset > position.expected ? { ...position, beyondInvisible: endOffset } : position

export const judgeFetch = (
  position: FetchPosition,
  batch: { readonly fetchedOffset: bigint; readonly endOffset: bigint },
): FetchVerdict => {
  const { expected, beyondInvisible, isDoubted } = position
  const next = fetchFrom(batch.endOffset)
  if (batch.fetchedOffset === expected || batch.fetchedOffset === beyondInvisible)
    return { type: 'continues', position: next }
  if (isDoubted) return { type: 'jumped', expected, position: next }
  return { type: 'refetch', position: { expected, beyondInvisible: null, isDoubted: true } }
}
