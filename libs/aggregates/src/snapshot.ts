import type { Snapshot, SnapshotHeader, StoredSnapshot, StreamId } from '@millrace/mongo'
import { z } from 'zod'
import { streamIdOf, type AggregateRef } from './aggregate.ts'
import { checksumOf } from './state-checksum.ts'
import type { Tip } from './stream-fold.ts'

/**
 * Why a snapshot is not believed: it cannot be read, belongs to another version of the fold, is not what was saved,
 * names a commit that the event store does not have, or could not be asked for.
 */
export const ignoredReasons = [
  'malformed',
  'state-version',
  'checksum',
  'other-history',
  'unavailable',
] as const

export type IgnoredReason = (typeof ignoredReasons)[number]

export type IgnoredSnapshot = StreamId & {
  /** Undefined when the store did not answer. */
  readonly version: number | undefined
  readonly reason: IgnoredReason
}

const headerSchema = z.object({
  tenant: z.string(),
  stream: z.string(),
  version: z.int().min(1),
  order: z.int(),
  lastCommitId: z.string(),
  lastCommitFirst: z.int().min(1),
  lastEventId: z.string(),
  stateVersion: z.int(),
  checksum: z.string(),
  takenAt: z.int(),
  provenVersion: z.int().min(0),
})

const snapshotSchema = headerSchema.extend({ state: z.unknown() })

/** Undefined when it is none, or another's. */
export const parseHeader = (stream: StreamId, stored: StoredSnapshot): SnapshotHeader | undefined =>
  parseBy(headerSchema, stream, stored)

/** Undefined when it is none, or another's. */
export const parseSnapshot = (stream: StreamId, stored: StoredSnapshot): Snapshot | undefined =>
  parseBy(snapshotSchema, stream, stored)

const parseBy = <Header extends SnapshotHeader>(
  schema: z.ZodType<Header>,
  { tenant, stream }: StreamId,
  { version, content }: StoredSnapshot,
): Header | undefined => {
  const { data } = schema.safeParse(content)
  const isTheOne = data?.tenant === tenant && data.stream === stream && data.version === version
  return isTheOne ? data : undefined
}

export type Judged =
  | { readonly type: 'sound'; readonly snapshot: Snapshot }
  | { readonly type: 'ignored'; readonly reason: IgnoredReason }

/** All that can be said of a snapshot without the event store. */
export const judgeSnapshot = (ref: AggregateRef, stored: StoredSnapshot): Judged => {
  const snapshot = parseSnapshot(streamIdOf(ref), stored)
  if (!snapshot) return { type: 'ignored', reason: 'malformed' }
  if (snapshot.stateVersion !== ref.context.snapshots.stateVersion)
    return { type: 'ignored', reason: 'state-version' }
  return isAsSaved(snapshot) ? { type: 'sound', snapshot } : { type: 'ignored', reason: 'checksum' }
}

const isAsSaved = ({ state, checksum }: Snapshot): boolean => {
  try {
    return checksumOf(state) === checksum
  } catch {
    // Not even JSON.
    return false
  }
}

/** The snapshot of a fold that has reached the end of a commit. */
export const snapshotOf = (
  ref: AggregateRef,
  tip: Tip,
  { takenAt, provenVersion }: { takenAt: number; provenVersion: number },
): Snapshot => {
  const { version, order, lastCommitId, lastCommitFirst, lastEventId, state } = tip
  if (lastCommitId === undefined || lastCommitFirst === undefined || lastEventId === undefined)
    throw new Error('a snapshot ends with an event')
  return {
    ...streamIdOf(ref),
    version,
    order,
    lastCommitId,
    lastCommitFirst,
    lastEventId,
    stateVersion: ref.context.snapshots.stateVersion,
    state,
    checksum: checksumOf(state),
    takenAt,
    provenVersion,
  }
}
