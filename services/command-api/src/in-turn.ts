import { PlatformError } from '@millrace/runtime'

/** Runs work of the same name one after the other, in the order it came; work of different names side by side. */
export type InTurn = <T>(name: string, work: () => Promise<T>) => Promise<T>

type Line = { last: Promise<unknown>; length: number }

const tooLong = (): PlatformError =>
  new PlatformError({
    code: 'STORE_BUSY',
    message: 'too many requests wait for the same aggregate',
    retryable: true,
  })

/** Whoever finds `maxLength` before it is refused: it would have gone before its turn. */
export const makeInTurn = (maxLength = 1_000): InTurn => {
  const lines = new Map<string, Line>()
  return async (name, work) => {
    const line: Line = lines.get(name) ?? { last: Promise.resolve(), length: 0 }
    if (line.length >= maxLength) throw tooLong()
    const own = line.length === 0 ? work() : line.last.then(work, work)
    line.last = own
    line.length += 1
    lines.set(name, line)
    try {
      return await own
    } finally {
      line.length -= 1
      if (line.length === 0) lines.delete(name)
    }
  }
}
