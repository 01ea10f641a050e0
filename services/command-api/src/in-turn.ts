/** Runs work of the same name one after the other, in the order it came; work of different names side by side. */
export type InTurn = <T>(name: string, work: () => Promise<T>) => Promise<T>

export const makeInTurn = (): InTurn => {
  const last = new Map<string, Promise<unknown>>()
  return async (name, work) => {
    const before = last.get(name)
    const own = before === undefined ? work() : before.then(work, work)
    last.set(name, own)
    try {
      return await own
    } finally {
      if (last.get(name) === own) last.delete(name)
    }
  }
}
