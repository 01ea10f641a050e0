import { countWithin } from './count-within.ts'

export type LineBounds = { readonly items: number; readonly bytes: number }

/** What waits for its turn, in order, bounded in items and in bytes. */
export type WaitingLine<Item> = {
  length(): number
  /** False when that would be too many or too much: then it does not wait. Whoever finds nobody waiting always may. */
  join(item: Item): boolean
  /** From the front as many as are within the bounds, one at least; empty when nobody waits. */
  take(most: LineBounds): Item[]
}

export const makeWaitingLine = <Item extends { readonly bytes: number }>(
  max: LineBounds,
): WaitingLine<Item> => {
  const waiting: Item[] = []
  let bytes = 0
  return {
    length: () => waiting.length,
    join: (item) => {
      const isFull = waiting.length >= max.items || bytes + item.bytes > max.bytes
      if (isFull && waiting.length > 0) return false
      waiting.push(item)
      bytes += item.bytes
      return true
    },
    take: (most) => {
      const count = countWithin(waiting.slice(0, most.items), (item) => item.bytes, most.bytes)
      const taken = waiting.splice(0, count)
      bytes -= taken.reduce((sum, item) => sum + item.bytes, 0)
      return taken
    },
  }
}
