/**
 * How many items, from the first on, have at most `maxBytes` together. At least one, so that none is too large ever to
 * have its turn; 0 when there are none.
 */
export const countWithin = <Item>(
  items: readonly Item[],
  bytesOf: (item: Item) => number,
  maxBytes: number,
): number => {
  let bytes = 0
  const tooMany = items.findIndex((item) => (bytes += bytesOf(item)) > maxBytes)
  return tooMany < 0 ? items.length : Math.max(1, tooMany)
}
