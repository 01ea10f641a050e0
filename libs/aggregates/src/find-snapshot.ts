// Which snapshot a fold may begin with. The closest one is looked at first; one that is not believed is told, and
// the one before it is looked at, a few times.
//
// A checksum only proves that a state is as it was saved. That it is the state of this stream, the event store has
// to prove: its backup may have been restored, so that the stream ends before the snapshot, or has gone another way
// since. So reading on begins with the snapshot's own last commit: if that commit is there, under its version and
// with its event's id, everything before it is the history that was folded.

import type { EventStore, LoadedStream, Snapshot, SnapshotStore, StoredSnapshot, UpTo } from '@millrace/mongo'
import { streamIdOf, type AggregateRef } from './aggregate.ts'
import { judgeSnapshot, type IgnoredReason, type IgnoredSnapshot } from './snapshot.ts'

/** `page` begins with the snapshot's last commit; what lies behind it may go on after the page. */
export type FoundSnapshot = { readonly snapshot: Snapshot; readonly page: LoadedStream }

export type FindDeps = {
  readonly store: Pick<EventStore, 'load'>
  readonly closest: SnapshotStore['closest']
}

export type FindOptions = { readonly upTo?: UpTo; readonly onIgnored: (ignored: IgnoredSnapshot) => void }

export type FindSnapshot = (ref: AggregateRef, options: FindOptions) => Promise<FoundSnapshot | undefined>

/** After so many wrong ones in a row the first event is the better beginning. */
const MAX_TRIES = 8

export const makeFindSnapshot = (deps: FindDeps): FindSnapshot => {
  return async (ref, { upTo = {}, onIgnored }) => {
    const stream = streamIdOf(ref)
    let within = upTo
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      const stored = await deps.closest(stream, within)
      if (!stored) return undefined
      const proved = await prove(deps, { ref, stored, upTo })
      if (proved.type === 'proved') return proved.found
      onIgnored({ ...stream, version: stored.version, reason: proved.reason })
      within = { ...within, version: stored.version - 1 }
    }
    return undefined
  }
}

type Proved =
  | { readonly type: 'proved'; readonly found: FoundSnapshot }
  | { readonly type: 'ignored'; readonly reason: IgnoredReason }

type Candidate = { readonly ref: AggregateRef; readonly stored: StoredSnapshot; readonly upTo: UpTo }

const prove = async (deps: FindDeps, { ref, stored, upTo }: Candidate): Promise<Proved> => {
  const judged = judgeSnapshot(ref, stored)
  if (judged.type === 'ignored') return judged
  const { snapshot } = judged
  const page = await loadFrom(deps, snapshot, upTo)
  const last = page.events.find(({ version }) => version === snapshot.version)
  return last?.id === snapshot.lastEventId
    ? { type: 'proved', found: { snapshot, page } }
    : { type: 'ignored', reason: 'other-history' }
}

const loadFrom = async (
  { store }: FindDeps,
  { tenant, stream, lastCommitFirst }: Snapshot,
  upTo: UpTo,
): Promise<LoadedStream> => {
  for (;;) {
    const page = await store.load({ tenant, stream, after: lastCommitFirst - 1, upTo })
    // Others' streams, read together with this one, may have left no room for it.
    if (page.isComplete || page.events.length > 0) return page
  }
}
