import type { Change } from '@millrace/mongo'
import type { Hold } from './hold.ts'
import { lastOfEachKey, planChanges, type HashedFor, type PlannedChange } from './plan-changes.ts'
import type { FoundChange } from './to-message.ts'

/**
 * What was published: it is in Kafka, and in the shadows. A change that is too large for a message is not published, and its shadow
 * stays as it was: each reconciliation finds it again. Throws FeedLostError.
 */
export const publishChanges = async (
  { feed, shadows, publisher, toMessage, watch, logger }: Hold,
  route: HashedFor,
  changes: readonly (Omit<FoundChange, 'key'> & Pick<Change, 'key'>)[],
): Promise<readonly PlannedChange[]> => {
  const { planned, skipped, tooLarge } = planChanges(changes, { route, toMessage })
  const last = lastOfEachKey(planned)
  await shadows.mark(feed, last)
  await publisher.publish(planned.map(({ message }) => message))
  await shadows.settle(feed, last)
  for (const { id, key } of tooLarge)
    logger.error({ change: id, key }, 'document is too large for a message, its change was not published')
  watch.onPublished({
    operations: planned.map(({ operation }) => operation),
    skipped,
    tooLarge: tooLarge.length,
  })
  return planned
}
