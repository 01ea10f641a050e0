import type { Metrics } from '@millrace/runtime'
import type { Taken } from './snapshotter.ts'

/** Why it was taken, for example because so many events have come. */
export type TakenFor = { readonly context: string; readonly reason: string }

/** Counts what was taken, and what was found to be wrong and dropped on the way. */
export const countTaken = (metrics: Metrics): ((taken: Taken, why: TakenFor) => void) => {
  const takenTotal = metrics.counter(
    'millrace_snapshots_taken_total',
    'Snapshots taken: why, and from what they were folded',
    ['context', 'reason', 'from'],
  )
  const droppedTotal = metrics.counter(
    'millrace_snapshots_dropped_total',
    'Wrong snapshots that were removed; mismatch: the fold has changed without a new stateVersion',
    ['context', 'reason'],
  )
  return ({ isNew, from, dropped }, { context, reason }) => {
    if (isNew) takenTotal.inc({ context, reason, from })
    for (const wrong of dropped) droppedTotal.inc({ context, reason: wrong.reason })
  }
}
