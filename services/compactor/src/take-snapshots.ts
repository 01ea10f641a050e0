import { streamIdOf, type Snapshotter } from '@millrace/aggregates'
import { RegistryRefusedError } from '@millrace/events'
import { isRetryable, type Logger } from '@millrace/runtime'
import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import type { CompactorMetrics } from './compactor-metrics.ts'
import type { Due } from './plan-snapshots.ts'

export type TakeDeps = {
  readonly snapshotter: Pick<Snapshotter, 'refresh'>
  /** Streams at the same time, whatever the number of lanes. */
  readonly concurrency: number
  readonly metrics: Omit<CompactorMetrics, 'ignored' | 'unreadable'>
  readonly logger: Logger
  /** Set when the service stops: what has not begun is left for the next one. */
  readonly signal: AbortSignal
}

/** Throws when something we depend on does not answer; a stream that is bad itself is passed over. */
export type TakeSnapshots = (due: readonly Due[]) => Promise<void>

/** Bad streams that are remembered, so that not every event of theirs has them folded in vain. */
const MAX_REMEMBERED = 10_000

export const makeTakeSnapshots = (deps: TakeDeps): TakeSnapshots => {
  const limit = pLimit(deps.concurrency)
  const failedAt = new LRUCache<string, number>({ max: MAX_REMEMBERED })

  const mayTry = ({ touched: { ref, version } }: Due): boolean => {
    const failed = failedAt.get(nameOf(ref))
    return failed === undefined || version >= failed + ref.context.snapshots.everyEvents
  }

  const takeOne = async (due: Due): Promise<void> => {
    const { ref, version } = due.touched
    try {
      await take(deps, due)
    } catch (error) {
      if (isOutage(error)) throw error
      failedAt.set(nameOf(ref), version)
      deps.metrics.failed.inc({ context: ref.context.name })
      deps.logger.error({ ...streamIdOf(ref), version, err: error }, 'stream was passed over')
    }
  }

  return async (due) => {
    let isOver = false
    const work = due.filter(mayTry).map((one) =>
      limit(async () => {
        deps.signal.throwIfAborted()
        if (isOver) return
        await takeOne(one).catch((error: unknown) => {
          isOver = true
          throw error
        })
      }),
    )
    // All have come to rest before the caller may try again.
    const outcomes = await Promise.allSettled(work)
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }
}

const take = async ({ snapshotter, metrics, logger }: TakeDeps, due: Due): Promise<void> => {
  const { ref } = due.touched
  const startedAt = performance.now()
  const taken = await snapshotter.refresh(ref)
  if (!taken) return
  metrics.seconds.observe({ from: taken.from }, (performance.now() - startedAt) / 1000)
  metrics.taken(taken, { context: ref.context.name, reason: due.reason })
  for (const { version, reason } of taken.dropped)
    logger.warn({ ...streamIdOf(ref), version, reason }, 'wrong snapshot was dropped')
}

/** To be waited for: it says nothing about the stream. */
const isOutage = (error: unknown): boolean => isRetryable(error) || error instanceof RegistryRefusedError

const nameOf = (ref: Due['touched']['ref']): string => {
  const { tenant, stream } = streamIdOf(ref)
  return JSON.stringify([tenant, stream])
}
