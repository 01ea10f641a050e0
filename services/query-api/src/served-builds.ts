import type { AnyProjection } from '@millrace/domain'
import { problems } from '@millrace/runtime'

/** What readers of a read model get at this moment. */
export type Served = {
  /** By whose code the documents of the build were made: they are merged, shown and filtered by it too. */
  readonly projection: AnyProjection
  /** Name of its data: order-summary.v1. */
  readonly build: string
  /** False when readers may be getting another one by now. */
  isCurrent(): boolean
}

export type ServedBuilds = { of(name: string): Promise<Served> }

/** So often in a row nobody switches. */
const MAX_TRIES = 5

/** What `read` makes of the served build, or throws; all over again when another was served before it was done. */
export const readServed = async <T>(
  builds: ServedBuilds,
  name: string,
  read: (served: Served) => Promise<T>,
): Promise<T> => {
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const served = await builds.of(name)
    try {
      const answer = await read(served)
      if (served.isCurrent()) return answer
    } catch (error) {
      if (served.isCurrent()) throw error
    }
  }
  throw problems.unavailable(`${name} is being switched to another version`, {
    headers: { 'retry-after': '1' },
  })
}
