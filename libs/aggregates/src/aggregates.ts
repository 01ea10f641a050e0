import type { AnyContext } from '@millrace/domain'
import type { LoadedStream, SnapshotStore, UpTo } from '@millrace/mongo'
import type { Aggregate, AggregateRef } from './aggregate.ts'
import { askPatiently, type Patience } from './ask-patiently.ts'
import { makeFindSnapshot } from './find-snapshot.ts'
import type { IgnoredSnapshot } from './snapshot.ts'
import { makeStreamFold, type FoldDeps, type FoldOptions, type Tip } from './stream-fold.ts'

/** `at`: UTC milliseconds, by the times of the commits, which never go back (ADR 0004). Both are inclusive. */
export type When = { readonly version: number } | { readonly at: number }

/** May lie inside a commit, so nothing can be decided on it. */
export type PastAggregate = {
  /** Of the last event that was folded; 0 when there was none yet. */
  readonly version: number
  readonly state: unknown
}

export type Aggregates = {
  /**
   * As its last commit leaves it, by majority reads; goes on from `from` when that is known, else from the closest
   * snapshot. Throws DecodeError and ImpossibleEventError.
   */
  load(ref: AggregateRef, from?: Aggregate): Promise<Aggregate>
  /** As it was: the state after a version, or at a time. Behind the end of the stream that is its last state. */
  loadPast(ref: AggregateRef, when: When): Promise<PastAggregate>
  /** `from` with the events behind it. Throws DecodeError and ImpossibleEventError. */
  extend(context: AnyContext, from: Aggregate, tail: LoadedStream): Promise<Aggregate>
}

export type AggregatesDeps = FoldDeps & {
  /** Without them every load begins with the first event. */
  readonly snapshots?: Pick<SnapshotStore, 'closest'>
  readonly onIgnored?: (ignored: IgnoredSnapshot) => void
  readonly patience?: Patience
}

export const makeAggregates = (deps: AggregatesDeps): Aggregates => {
  const fold = makeStreamFold(deps)
  const beginningOf = makeBeginning(deps)
  return {
    extend: async (context, from, tail) => toAggregate(await fold.extend(context, from, tail)),
    load: async (ref, from) => toAggregate(await fold.run(ref, from ? { from } : await beginningOf(ref, {}))),
    loadPast: async (ref, when) => {
      const upTo = boundOf(when)
      const { version, state } = await fold.run(ref, { ...(await beginningOf(ref, upTo)), upTo })
      return { version: Math.min(version, upTo.version ?? version), state }
    },
  }
}

/** The closest snapshot that may be believed, or the time before the first event. */
const makeBeginning = ({ snapshots, onIgnored = () => undefined, patience, store }: AggregatesDeps) => {
  if (!snapshots) return async (): Promise<FoldOptions> => ({})
  const closest = askPatiently(
    snapshots.closest,
    (stream) => onIgnored({ ...stream, version: undefined, reason: 'unavailable' }),
    patience,
  )
  const findSnapshot = makeFindSnapshot({ store, closest })
  return async (ref: AggregateRef, upTo: UpTo): Promise<FoldOptions> => {
    const found = await findSnapshot(ref, { upTo, onIgnored })
    return found ? { from: found.snapshot, page: found.page } : {}
  }
}

const boundOf = (when: When): UpTo =>
  'version' in when ? { version: when.version } : { order: when.at * 1000 + 999 }

const toAggregate = ({ version, order, lastCommitId, state }: Tip): Aggregate => ({
  version,
  order,
  lastCommitId,
  state,
})
