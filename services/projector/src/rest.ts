import { pause } from '@millrace/runtime'

/** A lane's pauses between small batches. */
export type Rest = {
  /** Waits until the lane may apply a batch of so many records. */
  before(records: number): Promise<void>
  after(): void
}

/** A batch of this size is worth its transaction. */
const LARGE = 200
const MAX_REST_MS = 50

/**
 * A transaction costs the database nearly the same for one event as for a hundred. So a lane rests as long as its last
 * small batch took, and what comes meanwhile goes together: when the database is slow, for whatever reason, the lanes
 * ask it less often. An event that comes when nothing was done lately does not wait.
 */
export const makeRest = (now = performance.now.bind(performance)): Rest => {
  let [startedAtMs, restUntilMs] = [0, 0]
  return {
    before: async (records) => {
      if (records < LARGE) await pause(restUntilMs - now())
      startedAtMs = now()
    },
    after: () => {
      const endedAtMs = now()
      restUntilMs = endedAtMs + Math.min(endedAtMs - startedAtMs, MAX_REST_MS)
    },
  }
}
