import type { BuildReport } from '@millrace/mongo'
import { beginCheck, type CheckDeps, type CheckOrder } from './build-check.ts'

/** The checks of this process. `start` and `run` give undefined while another one of the kind is under way. */
export type Checks = {
  /** Gives the report as it begins; the check goes on in the background. */
  start(order: CheckOrder): Promise<BuildReport | undefined>
  /** To its end; undefined also when it was broken off. */
  run(order: CheckOrder): Promise<BuildReport | undefined>
  /** Resolves when none is under way. */
  settled(): Promise<void>
}

export const makeChecks = ({ signal, ...deps }: CheckDeps & { readonly signal: AbortSignal }): Checks => {
  const underWay = new Set<Promise<unknown>>()
  const begin = async (order: CheckOrder) => {
    const check = await beginCheck(deps, { signal, ...order })
    if (!check) return undefined
    underWay.add(check.done)
    void check.done.then(() => underWay.delete(check.done))
    return check
  }
  return {
    start: async (order) => (await begin(order))?.report,
    run: async (order) => (await begin(order))?.done,
    settled: async () => void (await Promise.all(underWay)),
  }
}
