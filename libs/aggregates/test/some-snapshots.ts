import type { Snapshot } from '@millrace/mongo'
import type { AggregateRef } from '../src/aggregate.ts'
import { snapshotOf, type IgnoredReason } from '../src/snapshot.ts'
import { makeStreamFold } from '../src/stream-fold.ts'
import { codec, type MemoryStreams } from './memory-streams.ts'

/** As it would have been taken when the stream ended at `version`, which is the end of a commit. */
export const snapshotAt = async (
  store: MemoryStreams,
  ref: AggregateRef,
  version: number,
): Promise<Snapshot> => {
  const tip = await makeStreamFold({ store, codec }).run(ref, { upTo: { version } })
  if (tip.version !== version) throw new Error(`${version} is not the end of a commit`)
  return snapshotOf(ref, tip, { takenAt: 0, provenVersion: version })
}

type Spoilt = {
  readonly reason: IgnoredReason
  readonly spoil: (snapshot: Snapshot) => unknown
  readonly isNewer?: true
}

/** What somebody did to a snapshot, and why it must not be believed. */
export const spoilt: readonly Spoilt[] = [
  { reason: 'checksum', spoil: (one) => ({ ...one, state: { status: 'retired' } }) },
  { reason: 'checksum', spoil: (one) => ({ ...one, checksum: one.checksum.toUpperCase() }) },
  { reason: 'checksum', spoil: (one) => ({ ...one, state: Number.NaN }) },
  { reason: 'state-version', spoil: (one) => ({ ...one, stateVersion: one.stateVersion - 1 }) },
  {
    reason: 'state-version',
    spoil: (one) => ({ ...one, stateVersion: one.stateVersion + 1 }),
    isNewer: true,
  },
  { reason: 'malformed', spoil: ({ state: _, ...rest }) => rest },
  { reason: 'malformed', spoil: ({ stateVersion: _, ...rest }) => rest },
  { reason: 'malformed', spoil: (one) => ({ ...one, tenant: 'other' }) },
  { reason: 'malformed', spoil: (one) => ({ ...one, lastCommitFirst: 0 }) },
  { reason: 'malformed', spoil: () => 'not a snapshot' },
  { reason: 'malformed', spoil: () => undefined },
  { reason: 'other-history', spoil: (one) => ({ ...one, lastEventId: 'h-event-1' }) },
  { reason: 'other-history', spoil: (one) => ({ ...one, lastCommitFirst: one.version + 1 }) },
]
