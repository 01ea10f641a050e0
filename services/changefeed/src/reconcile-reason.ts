import type { FeedRoute, LossReason } from '@millrace/mongo'

/**
 * other-collection: another build is served; new-topic: it was made again, or another one is configured; interrupted: one was
 * begun and did not end.
 */
export type ReconcileReason = 'first' | 'interrupted' | 'other-collection' | 'new-topic' | LossReason

/** Why a position on one route is none on another; undefined when it is, or `first` when there is none. */
export const reasonToReconcile = (
  known: FeedRoute | undefined,
  route: FeedRoute,
): ReconcileReason | undefined => {
  if (!known) return 'first'
  if (known.topic !== route.topic || known.incarnation !== route.incarnation) return 'new-topic'
  return known.collection === route.collection ? undefined : 'other-collection'
}
