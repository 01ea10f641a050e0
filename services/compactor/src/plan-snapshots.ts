import type { SnapshotMark } from '@millrace/mongo'
import type { Touched } from './read-touched.ts'

/** A touched stream, and what is there of it. */
export type Standing = {
  readonly touched: Touched
  readonly newest: SnapshotMark | 'unreadable' | undefined
  /** When the stream began, in UTC milliseconds; asked for only when there is no snapshot. */
  readonly startedAtMs: number | undefined
}

/**
 * `beyond-end`: an event was committed after the snapshot was taken, and yet is older than the snapshot says. So the
 * snapshot is of a history that the store no longer has.
 */
export type DueReason = 'events' | 'time' | 'state-version' | 'unreadable' | 'beyond-end'

export type Due = { readonly touched: Touched; readonly reason: DueReason }

/** Which of the streams that were touched get a snapshot now, and why. */
export const planSnapshots = (standings: readonly Standing[]): Due[] =>
  standings.flatMap((standing) => {
    const reason = standing.newest ? dueSince(standing, standing.newest) : dueFirst(standing)
    return reason ? [{ touched: standing.touched, reason }] : []
  })

const dueFirst = ({ touched, startedAtMs = touched.atMs }: Standing): DueReason | undefined => {
  const { everyEvents, everyMs } = touched.ref.context.snapshots
  if (touched.version >= everyEvents) return 'events'
  return touched.atMs - startedAtMs >= everyMs ? 'time' : undefined
}

/** The clocks of those who commit and of those who take snapshots may differ by less than this. */
const CLOCK_TOLERANCE_MS = 60_000

const dueSince = ({ touched }: Standing, newest: SnapshotMark | 'unreadable'): DueReason | undefined => {
  if (newest === 'unreadable') return 'unreadable'
  const { stateVersion, everyEvents, everyMs } = touched.ref.context.snapshots
  // Not when it is newer: then a newer release is at work beside this one.
  if (newest.stateVersion < stateVersion) return 'state-version'
  const events = touched.version - newest.version
  if (events >= everyEvents) return 'events'
  const ageMs = touched.atMs - newest.takenAt
  if (events <= 0) return ageMs > CLOCK_TOLERANCE_MS ? 'beyond-end' : undefined
  return ageMs >= everyMs ? 'time' : undefined
}
