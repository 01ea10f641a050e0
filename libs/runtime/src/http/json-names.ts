// The names in the objects that are open while a body is scanned, to find one that stands twice. They lie on one stack, as
// places in the body; an object that ends takes its own from the top. Few names are compared with each other in place,
// which takes no memory. An object with many of them, or with an escape in one, has its names decoded into a Set. Only such
// a one can have too many.

/** Above this many names in one object a Set is faster than comparing each with each. */
const MAX_COMPARED = 16
const QUOTE = 0x22

/** Of one object. */
export type NameFault = 'twice' | 'too many'

export type JsonNames = {
  begin(body: Buffer): void
  /** An object or array begins at this depth, which is 1 for the outermost and `maxDepth` at most. */
  open(depth: number): void
  close(depth: number): void
  /** What is wrong with one more name in the object at `depth`: the one between these quotes, which has no escapes. */
  addPlain(start: number, end: number, depth: number): NameFault | undefined
  /** The same for a name that had escapes. */
  addDecoded(name: string, depth: number): NameFault | undefined
}

/** Length, first and last byte. Names that differ in it differ. */
const printOf = (body: Buffer, start: number, end: number): number =>
  (end - start) ^ ((body[start] ?? 0) << 16) ^ ((body[end - 1] ?? 0) << 24)

const addTo = (set: Set<string>, name: string, maxNames: number): NameFault | undefined => {
  if (set.has(name)) return 'twice'
  set.add(name)
  return set.size > maxNames ? 'too many' : undefined
}

/** For at most `maxNames` in one object, which are more than are compared. */
export const makeJsonNames = (maxNames: number, maxDepth: number): JsonNames => {
  const starts = new Int32Array((MAX_COMPARED + 1) * maxDepth)
  const prints = new Int32Array(starts.length)
  const bases = new Int32Array(maxDepth + 1)
  const decoded = new Array<Set<string> | undefined>(maxDepth + 1).fill(undefined)
  let body: Buffer = Buffer.alloc(0)
  let top = 0

  /** Having no escapes, both end at their first quote. */
  const isSame = (start: number, end: number, other: number): boolean => {
    for (let at = start; at <= end; at++) if (body[at] !== body[other + at - start]) return false
    return true
  }
  const textOf = (start: number): string => body.toString('utf8', start, body.indexOf(QUOTE, start))
  const decodeAll = (depth: number): Set<string> => {
    const base = bases[depth] ?? 0
    const set = new Set([...starts.subarray(base, top)].map(textOf))
    top = base
    decoded[depth] = set
    return set
  }

  return {
    begin: (next) => {
      body = next
      top = 0
    },
    open: (depth) => {
      bases[depth] = top
      decoded[depth] = undefined
    },
    close: (depth) => {
      top = bases[depth] ?? 0
    },
    addPlain: (start, end, depth) => {
      const known = decoded[depth]
      if (known) return addTo(known, textOf(start), maxNames)
      const print = printOf(body, start, end)
      const base = bases[depth] ?? 0
      for (let at = base; at < top; at++) {
        if (prints[at] === print && isSame(start, end, starts[at] ?? 0)) return 'twice'
      }
      starts[top] = start
      prints[top] = print
      top += 1
      if (top - base > MAX_COMPARED) decodeAll(depth)
      return undefined
    },
    addDecoded: (name, depth) => addTo(decoded[depth] ?? decodeAll(depth), name, maxNames),
  }
}
