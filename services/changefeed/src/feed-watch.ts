import type { Change } from '@millrace/mongo'
import type { Metrics } from '@millrace/runtime'
import type { ReconcileReason } from './reconcile-reason.ts'

export type PublishedCounts = {
  readonly operations: readonly Change['operation'][]
  readonly skipped: number
  readonly tooLarge: number
}

/** What is known of a feed in this process. */
export type FeedWatch = {
  onHeld(): void
  /** Not ours, or not any more. */
  onStandingBy(): void
  /** Something was done for it: the loop is not stuck. */
  onStep(): void
  onFailed(message: string): void
  /** UTC milliseconds; null when nothing waits. */
  onBehindSince(ms: number | null): void
  onPublished(counts: PublishedCounts): void
  onReconciled(reason: ReconcileReason): void
  state(): FeedState
}

export type FeedState = {
  readonly isHeld: boolean
  readonly lastStepAtMs: number
  /** Why it does not go on; null when it does, or stands by. */
  readonly failure: string | null
  readonly behindSinceMs: number | null
}

/** Of all feeds of this process. */
export const watchFeeds = (metrics: Metrics): ((feed: string) => FeedWatch) => {
  const counters = countersOf(metrics)
  const states = new Map<string, FeedState>()
  metrics.gauge(
    'millrace_changefeed_lag_seconds',
    'Age of the oldest change that is not published; 0 at the end. Of the feeds that are held here',
    ['feed'],
    (gauge) => {
      gauge.reset()
      for (const [feed, { isHeld, behindSinceMs }] of states)
        if (isHeld) gauge.set({ feed }, behindSinceMs === null ? 0 : (Date.now() - behindSinceMs) / 1_000)
    },
  )
  return (feed) => {
    let state: FeedState = { isHeld: false, lastStepAtMs: Date.now(), failure: null, behindSinceMs: null }
    const become = (change: Partial<FeedState>): void => {
      state = { ...state, lastStepAtMs: Date.now(), ...change }
      states.set(feed, state)
    }
    return {
      onHeld: () => become({ isHeld: true, failure: null }),
      onStandingBy: () => become({ isHeld: false, failure: null, behindSinceMs: null }),
      onStep: () => become({}),
      onFailed: (failure) => become({ failure }),
      onBehindSince: (behindSinceMs) => become({ behindSinceMs }),
      onPublished: ({ operations, skipped, tooLarge }) => {
        for (const operation of operations) counters.published.inc({ feed, operation })
        counters.skipped.inc({ feed }, skipped)
        counters.tooLarge.inc({ feed }, tooLarge)
      },
      onReconciled: (reason) => counters.reconciled.inc({ feed, reason }),
      state: () => state,
    }
  }
}

const countersOf = (metrics: Metrics) => ({
  published: metrics.counter('millrace_changefeed_published_total', 'Changes in Kafka', [
    'feed',
    'operation',
  ]),
  reconciled: metrics.counter(
    'millrace_changefeed_reconciled_total',
    'Comparisons of a whole collection with what had been published',
    ['feed', 'reason'],
  ),
  skipped: metrics.counter('millrace_changefeed_skipped_total', 'Changes that nobody can see', ['feed']),
  tooLarge: metrics.counter(
    'millrace_changefeed_too_large_total',
    'Changes of documents that are too large for a message, not published',
    ['feed'],
  ),
})
