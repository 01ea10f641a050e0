// A compacted topic says that a key is gone by a tombstone, and keeps that for a day. A lane that was away for longer may have
// missed some for good: then no record of such a key is left, and its document would stand for ever. So before such a lane
// goes on, whatever the topic does not know any more is deleted. Keys that it knows get their last values from what the lane
// reads next.

import { tombstonesTrustedMs, parseMessageKey } from '@millrace/events'
import type { Checkpoint, CheckpointId, CommitOutcome, PartitionKeys, ProjectionStore } from '@millrace/mongo'

export type Absence = {
  readonly store: Pick<ProjectionStore, 'commit'>
  readonly storedKeys: PartitionKeys
  readonly id: CheckpointId
  readonly checkpoint: Checkpoint
}

const PAGE = 1_000

/** One that begins has nothing to delete. */
export const wasAwayTooLong = (
  { nextOffset, lastTs }: Pick<Checkpoint, 'nextOffset' | 'lastTs'>,
  nowMs: number,
): boolean => nextOffset > 0 && (lastTs === null || nowMs - lastTs > tombstonesTrustedMs)

/** `known`: message keys that the partition has a value of. Gives how many documents were deleted, or that it was fenced. */
export const dropAbsent = async (
  { storedKeys, ...absence }: Absence,
  known: ReadonlySet<string>,
): Promise<number | 'fenced'> => {
  let dropped = 0
  let page: readonly string[] = []
  do {
    page = await storedKeys(absence.id, page.at(-1) ?? '', PAGE)
    const absent = page.filter((key) => !known.has(key))
    if (absent.length > 0 && (await remove(absence, absent)) === 'fenced') return 'fenced'
    dropped += absent.length
  } while (page.length === PAGE)
  return dropped
}

const remove = (
  { store, id, checkpoint }: Omit<Absence, 'storedKeys'>,
  keys: readonly string[],
): Promise<CommitOutcome> => {
  const { nextOffset, lastSequence, lastId, lastTs, watermark } = checkpoint
  return store.commit(id, {
    from: checkpoint,
    to: { nextOffset, lastSequence, lastId, lastTs, watermark },
    writes: keys.map((key) => ({
      ...{ tenant: parseMessageKey(key).tenant, id: key, fields: null, sequence: lastSequence },
    })),
  })
}
