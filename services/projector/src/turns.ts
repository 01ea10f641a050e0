import type { LaneStatus } from '@millrace/kafka'
import { pause } from '@millrace/runtime'

/** Who of those that can wait works now. */
export type Turns = {
  /** Waits for a turn; what it gives ends the turn. */
  take(): Promise<() => void>
}

type ServedLane = Pick<LaneStatus, 'lag' | 'nextOffset' | 'state'>

/** With more records to go a lane has a backlog. */
const LIVE_LAG = 500n
const LOOK_EVERY_MS = 25
/** Nobody stands still for ever. */
const MAX_WAIT_MS = 500
/** What took longer hung in an outage, or behind a lock, and has not kept anybody from working. */
const MAX_REST_MS = 1_000
/** Events arrive for a served lane, if one has moved within this time. */
const LIVE_FOR_MS = 1_000

export const isFarBehind = (lanes: readonly ServedLane[]): boolean =>
  lanes.some(({ lag, state }) => state.type === 'running' && (lag ?? 0n) > LIVE_LAG)

/**
 * Turns of the lanes that nobody waits for. While the served lanes rest they all work at once; else one at a time, which
 * rests as long as it has worked, up to a second: the event loop and the database are free for what is live in between.
 */
export const makeTurns = (
  servedLanes: () => readonly ServedLane[],
  now = performance.now.bind(performance),
): Turns => {
  let reached = -1n
  let movedAtMs = -Infinity
  let last: Promise<void> = Promise.resolve()

  const isLive = (): boolean => {
    const sum = servedLanes().reduce((total, { nextOffset }) => total + (nextOffset ?? 0n), 0n)
    if (reached >= 0n && sum !== reached) movedAtMs = now()
    reached = sum
    return now() < movedAtMs + LIVE_FOR_MS
  }

  const waitForServed = async (): Promise<void> => {
    for (let waitedMs = 0; waitedMs < MAX_WAIT_MS && isFarBehind(servedLanes()); waitedMs += LOOK_EVERY_MS)
      await pause(LOOK_EVERY_MS)
  }

  return {
    take: async () => {
      if (!isLive()) return () => undefined
      const before = last
      const turn = Promise.withResolvers<void>()
      last = turn.promise
      await before
      await waitForServed()
      const startedAtMs = now()
      return () => void pause(Math.min(now() - startedAtMs, MAX_REST_MS)).then(turn.resolve)
    },
  }
}
