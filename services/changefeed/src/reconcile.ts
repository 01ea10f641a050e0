// Finds what has become of a collection while nobody looked: each document is compared with the shadow of what was last
// published of it, and each shadow with the documents. Both are read in pages, at one moment of the database's time, behind
// which the stream goes on. Interrupted, it begins anew; what it has published is in the shadows then.

import { openFeedScan, prepareFedCollection, type FeedPosition } from '@millrace/mongo'
import { toMessageKey } from '@millrace/events'
import { changedIn, goneOf } from './compare-page.ts'
import { FeedLostError } from './feed-lost-error.ts'
import type { Hold } from './hold.ts'
import { publishChanges } from './publish-changes.ts'
import type { ReconcileReason } from './reconcile-reason.ts'
import type { FoundChange } from './to-message.ts'

type Route = Awaited<ReturnType<Hold['route']>>

/** Where the stream goes on; undefined when it was to end before. Throws FeedLostError. */
export const reconcile = async (
  hold: Hold,
  { of, ...route }: Route,
  reason: ReconcileReason,
): Promise<FeedPosition | undefined> => {
  const { feed, epoch, mongo, progresses, shadows, watch, logger } = hold
  watch.onBehindSince(Date.now())
  await prepareFedCollection(mongo, of)
  // Behind all that was published until now, by whomever: a time of before could give ids that do not rise.
  const now = await progresses.beginReconciliation(feed, epoch)
  if (!now) throw new FeedLostError()
  const scan = openFeedScan(mongo, of, now)
  const counts = { created: 0, updated: 0, deleted: 0 }
  const publish = async (changes: readonly FoundChange[]): Promise<boolean> => {
    watch.onStep()
    for (const { operation } of await publishChanges(hold, route, changes)) counts[operation] += 1
    return hold.goesOn()
  }
  for await (const page of scan.documents()) {
    const keys = page.map(({ key }) => toMessageKey(key))
    const known = await shadows.find(feed, keys)
    if (!(await publish(changedIn(page, known, { ...scan, route })))) return undefined
  }
  for await (const page of shadows.pages(feed)) {
    const existing = await scan.existing(page.map(({ key }) => key))
    if (!(await publish(goneOf(page, existing, scan)))) return undefined
  }
  const { position } = scan
  if (!(await progresses.saveReconciled(feed, epoch, { ...route, position, reason })))
    throw new FeedLostError()
  watch.onReconciled(reason)
  watch.onBehindSince(null)
  // To begin is nothing to worry about.
  logger[reason === 'first' ? 'info' : 'warn']({ reason, ...route, ...counts }, 'changefeed was reconciled')
  return position
}
