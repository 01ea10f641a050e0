import type { Metrics } from '@millrace/runtime'
import { ignoredReasons, type IgnoredSnapshot } from './snapshot.ts'

/** An `onIgnored` that counts by reason. */
export const countIgnored = (metrics: Metrics): ((ignored: IgnoredSnapshot) => void) => {
  const counter = metrics.counter(
    'millrace_snapshots_ignored_total',
    'Snapshots that were not believed, or could not be asked for',
    ['reason'],
  )
  for (const reason of ignoredReasons) counter.inc({ reason }, 0)
  return ({ reason }) => counter.inc({ reason })
}
