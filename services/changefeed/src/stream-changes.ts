import {
  HistoryLostError,
  openChangeStream,
  type ChangeStream,
  type FeedPosition,
  type FeedRoute,
  type LossReason,
} from '@millrace/mongo'
import { FeedLostError } from './feed-lost-error.ts'
import type { Hold } from './hold.ts'
import { publishChanges } from './publish-changes.ts'
import { reasonToReconcile } from './reconcile-reason.ts'

/** How often it is looked whether the route is still the same. */
const LOOK_EVERY_MS = 1_000
/** A quiet collection goes on too, or the server forgets where it was. */
const SAVE_IDLE_EVERY_MS = 10_000

export type StreamStart = {
  readonly route: Awaited<ReturnType<Hold['route']>>
  readonly from: FeedPosition
}

/** Why it ended: the history is lost, or undefined when the route is another one or all is to end. */
export const streamChanges = async (hold: Hold, start: StreamStart): Promise<LossReason | undefined> => {
  let stream: ChangeStream | undefined
  try {
    stream = await openChangeStream(hold.mongo, { of: start.route.of, from: start.from })
    await publishStream(hold, stream, start.route)
    return undefined
  } catch (error) {
    if (!(error instanceof HistoryLostError)) throw error
    hold.logger.warn({ err: error, reason: error.reason }, 'history of a collection was lost')
    return error.reason
  } finally {
    await stream?.close()
  }
}

const publishStream = async (hold: Hold, stream: ChangeStream, route: FeedRoute): Promise<void> => {
  const { watch } = hold
  let lookAtMs = performance.now() + LOOK_EVERY_MS
  let savedAtMs = performance.now()
  while (await hold.goesOn()) {
    if (performance.now() >= lookAtMs) {
      if (reasonToReconcile(route, await hold.route())) return
      lookAtMs = performance.now() + LOOK_EVERY_MS
    }
    const { changes, to } = await stream.next()
    watch.onStep()
    watch.onBehindSince(changes[0]?.atMs ?? null)
    if (changes.length === 0 && performance.now() < savedAtMs + SAVE_IDLE_EVERY_MS) continue
    await publishChanges(
      hold,
      route,
      changes.map((change) => ({ ...change, origin: 'change' })),
    )
    if (!(await hold.progresses.save(hold.feed, hold.epoch, to))) throw new FeedLostError()
    watch.onBehindSince(null)
    savedAtMs = performance.now()
  }
}
