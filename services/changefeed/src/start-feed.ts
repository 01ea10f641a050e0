// A feed has one holder among all replicas, under a lease; the others stand by.
//
//   standing by ──lease──► fence, claim ──► reconcile? ──► stream ──► publish ──► shadows ──► progress ─┐
//        ▲                                      ▲             ▲                                        │
//        │                                      │             └────────────────────────────────────────┘
//        │                                      └── history lost, another build is served, or another topic
//        └── lease lost, fenced, or anything failed (back-off)
//
// To fence comes first: what a former holder has sent is in Kafka by then, and what it has not never will be. To claim
// comes second: from then on it cannot move the progress.

import { backoffMs, messageOf, pause } from '@millrace/runtime'
import { takeLease, type LeaseKeeper, type LossReason } from '@millrace/mongo'
import type { Feed } from './feed.ts'
import { FeedLostError } from './feed-lost-error.ts'
import type { FeedDeps } from './feed-deps.ts'
import { makeFeedPublisher, type FeedPublisher } from './feed-publisher.ts'
import type { FeedWatch } from './feed-watch.ts'
import { followRoute } from './follow-route.ts'
import type { Hold } from './hold.ts'
import { reasonToReconcile } from './reconcile-reason.ts'
import { reconcile } from './reconcile.ts'
import { streamChanges, type StreamStart } from './stream-changes.ts'
import { toMessage } from './to-message.ts'

export type RunningFeed = {
  readonly watch: FeedWatch
  /** Finishes the batch in hand, gives the lease back. */
  stop(): Promise<void>
}

const BACKOFF = { firstMs: 100, maxMs: 5_000 }
/**
 * Part of a lease, between a loss and the reconciliation, which is dear: whatever is wrong may be wrong again at once. After
 * a longer rest the lease would be another's, who would rest too.
 */
const REST_AFTER_LOSS = 1 / 4

export const startFeed = (deps: FeedDeps, feed: Feed): RunningFeed => {
  const stop = new AbortController()
  const watch = deps.watchOf(feed.name)
  const running = run({ ...deps, watch, logger: deps.logger.child({ feed: feed.name }) }, feed, stop.signal)
  return {
    watch,
    stop: async () => {
      stop.abort()
      await running
    },
  }
}

type Deps = FeedDeps & { readonly watch: FeedWatch }

const run = async (deps: Deps, feed: Feed, stopping: AbortSignal): Promise<void> => {
  let failures = 0
  while (!stopping.aborted) {
    try {
      await holdOnce(deps, feed, stopping)
      failures = 0
    } catch (error) {
      failures += 1
      const nextTryMs = backoffMs(failures, BACKOFF)
      deps.watch.onFailed(messageOf(error))
      deps.logger.warn({ err: error, failures, nextTryMs }, 'changefeed failed')
      await pause(nextTryMs, stopping)
    }
  }
}

const holdOnce = async (deps: Deps, feed: Feed, stopping: AbortSignal): Promise<void> => {
  const { leases, leaseMs, owner, watch, logger } = deps
  const lease = await takeLease(leases, {
    name: `changefeed:${feed.name}`,
    owner,
    ttlMs: leaseMs,
    isValid: async () => true,
  })
  if (!lease) {
    watch.onStandingBy()
    return pause(leaseMs / 2, stopping)
  }
  let publisher: FeedPublisher | undefined
  try {
    const producers = await deps.makeProducers(feed)
    publisher = makeFeedPublisher({ producers, isHeld: lease.renew, onStep: watch.onStep })
    await publishWhileHeld(deps, feed, { lease, publisher, stopping })
  } catch (error) {
    if (!(error instanceof FeedLostError)) throw error
    watch.onStandingBy()
    logger.info({}, 'changefeed was taken over')
    // Or two would take it from each other without a rest.
    await pause(deps.leaseMs * REST_AFTER_LOSS, stopping)
  } finally {
    await publisher?.close()
    // Also after a failure: another replica may reach what we do not. If this fails too, the lease ends by itself.
    await lease.release().catch(() => undefined)
  }
}

type Ours = {
  readonly lease: LeaseKeeper
  readonly publisher: FeedPublisher
  readonly stopping: AbortSignal
}

const publishWhileHeld = async (
  deps: Deps,
  feed: Feed,
  { lease, publisher, stopping }: Ours,
): Promise<void> => {
  const { progresses, watch } = deps
  await publisher.fence()
  const { epoch, at, isInterrupted } = await progresses.claim(feed.name)
  watch.onHeld()
  const hold: Hold = {
    ...deps,
    feed: feed.name,
    epoch,
    publisher,
    stopping,
    restMs: deps.leaseMs * REST_AFTER_LOSS,
    toMessage: (change) => toMessage(deps.codec, feed, change),
    route: () => followRoute(deps, feed),
    goesOn: async () => {
      if (stopping.aborted) return false
      if (await lease.stillHolds()) return true
      throw new FeedLostError()
    },
  }
  await follow(hold, at, isInterrupted ? 'interrupted' : undefined)
}

type Known = { readonly route: Omit<StreamStart['route'], 'of'>; readonly position: StreamStart['from'] }

/** Reconciles when it has to, and streams from there on, again and again. */
const follow = async (
  hold: Hold,
  known: Known | undefined,
  loss: LossReason | 'interrupted' | undefined,
): Promise<void> => {
  while (await hold.goesOn()) {
    const route = await hold.route()
    const reason = loss ?? reasonToReconcile(known?.route, route)
    if (reason) {
      const position = await reconcile(hold, route, reason)
      if (!position) return
      known = { route, position }
      loss = undefined
    } else if (known) {
      loss = await streamChanges(hold, { route, from: known.position })
      if (loss) await pause(hold.restMs, hold.stopping)
    }
  }
}
