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

/**
 * What `read` makes of the served build, or throws; all over again when another one is served by the time it is done. A
 * lease that ran out meanwhile is taken anew: the answer is good if it is of the build that is served now.
 */
export const readServed = async <T>(
  builds: ServedBuilds,
  name: string,
  read: (served: Served) => Promise<T>,
): Promise<T> => {
  let served = await builds.of(name)
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const [result] = await Promise.allSettled([read(served)])
    const now = served.isCurrent() ? served : await builds.of(name)
    if (now.build === served.build) {
      if (result.status === 'fulfilled') return result.value
      throw result.reason
    }
    served = now
  }
  throw problems.unavailable(`${name} is being switched to another version`, {
    headers: { 'retry-after': '1' },
  })
}
