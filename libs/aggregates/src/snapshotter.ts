// Makes snapshots. Ordinarily from the closest one that may be believed and the events behind it. That would carry an
// error on for ever: a fold that was changed without a new stateVersion makes states that no fold of all events gives.
// So when a stream has doubled since its snapshots were last proved, it is folded from the first event, and every
// snapshot is compared on the way; over the life of a stream that costs two more folds of each event.
//
// What is wrong goes before what is right is saved: a process that dies in between leaves fewer snapshots, never a
// wrong one. Two that make snapshots of one stream at the same time make the same ones.

import type { Snapshot, SnapshotStore, StoredSnapshot } from '@millrace/mongo'
import { streamIdOf, type AggregateRef } from './aggregate.ts'
import { findUseless, startAudit, type WrongSnapshot } from './audit-snapshots.ts'
import { chooseSuperfluous } from './choose-superfluous.ts'
import { makeFindSnapshot } from './find-snapshot.ts'
import { judgeSnapshot, snapshotOf, type IgnoredSnapshot } from './snapshot.ts'
import { makeStreamFold, type FoldDeps } from './stream-fold.ts'

export type Taken = {
  readonly snapshot: Snapshot
  /** False when this very snapshot was there. */
  readonly isNew: boolean
  readonly from: 'snapshot' | 'first-event'
  /** What was wrong, and is gone. */
  readonly dropped: readonly WrongSnapshot[]
}

/** All throw what the stores throw, DecodeError and ImpossibleEventError. Undefined: there is nothing to take one of. */
export type Snapshotter = {
  /** From the closest snapshot or, when those have not been proved for long, from the first event. */
  refresh(ref: AggregateRef): Promise<Taken | undefined>
  /** From the first event. */
  rebuild(ref: AggregateRef): Promise<Taken | undefined>
  /** The newest that may be believed. */
  latest(ref: AggregateRef): Promise<Snapshot | undefined>
}

export type SnapshotterDeps = FoldDeps & {
  readonly snapshots: SnapshotStore
  readonly now: () => number
  readonly onIgnored?: (ignored: IgnoredSnapshot) => void
}

export const makeSnapshotter = (deps: SnapshotterDeps): Snapshotter => {
  const { snapshots, now, onIgnored = () => undefined } = deps
  const fold = makeStreamFold(deps)
  const findSnapshot = makeFindSnapshot({ store: deps.store, closest: snapshots.closest })

  const rebuild = async (ref: AggregateRef, ignored: readonly WrongSnapshot[]) => {
    const stored = await snapshots.list(streamIdOf(ref))
    const audit = startAudit(ref, stored)
    const tip = await fold.run(ref, { visit: audit.visit })
    const dropped = eachOnce([...audit.findings(), ...ignored])
    if (tip.version === 0) {
      await snapshots.remove(streamIdOf(ref), versionsOf(dropped))
      return undefined
    }
    const snapshot = snapshotOf(ref, tip, { takenAt: now(), provenVersion: tip.version })
    return put(snapshots, { ref, snapshot, from: 'first-event', dropped, stored })
  }

  const refresh = async (ref: AggregateRef) => {
    const ignored: WrongSnapshot[] = []
    const found = await findSnapshot(ref, {
      onIgnored: (one) => {
        ignored.push(...wrongFor(one))
        onIgnored(one)
      },
    })
    if (!found) return rebuild(ref, ignored)
    const { provenVersion } = found.snapshot
    const tip = await fold.run(ref, { from: found.snapshot, page: found.page })
    if (tip.version >= 2 * provenVersion) return rebuild(ref, ignored)
    const stored = await snapshots.list(streamIdOf(ref))
    const snapshot = snapshotOf(ref, tip, { takenAt: now(), provenVersion })
    const dropped = eachOnce([...findUseless(ref, stored), ...ignored])
    return put(snapshots, { ref, snapshot, from: 'snapshot', dropped, stored })
  }

  return {
    refresh,
    rebuild: (ref) => rebuild(ref, []),
    latest: async (ref) => (await findSnapshot(ref, { onIgnored }))?.snapshot,
  }
}

/** Whether one of another state version is useless depends on which is newer; `findUseless` knows. */
const wrongFor = ({ version, reason }: IgnoredSnapshot): WrongSnapshot[] =>
  version === undefined || reason === 'state-version' ? [] : [{ version, reason }]

const eachOnce = (wrong: readonly WrongSnapshot[]): WrongSnapshot[] => [
  ...new Map(wrong.map((one) => [one.version, one])).values(),
]

const versionsOf = (some: readonly { readonly version: number }[]): number[] =>
  some.map(({ version }) => version)

type Made = Omit<Taken, 'isNew'> & { readonly ref: AggregateRef; readonly stored: readonly StoredSnapshot[] }

const put = async (snapshots: SnapshotStore, made: Made): Promise<Taken> => {
  const { ref, snapshot, from, dropped, stored } = made
  const stream = streamIdOf(ref)
  await snapshots.remove(stream, versionsOf(dropped))
  const there = await findEqual(snapshots, ref, snapshot)
  if (!there) await snapshots.save(snapshot)
  const gone = new Set(versionsOf(dropped))
  const kept = versionsOf(stored).filter((version) => !gone.has(version))
  const newestFirst = [...new Set([snapshot.version, ...kept])].toSorted((a, b) => b - a)
  await snapshots.remove(stream, chooseSuperfluous(newestFirst))
  return { snapshot: there ?? snapshot, isNew: !there, from, dropped }
}

const findEqual = async (
  snapshots: SnapshotStore,
  ref: AggregateRef,
  { version, checksum, lastEventId }: Snapshot,
): Promise<Snapshot | undefined> => {
  const stored = await snapshots.closest(streamIdOf(ref), { version })
  if (stored?.version !== version) return undefined
  const judged = judgeSnapshot(ref, stored)
  if (judged.type === 'ignored') return undefined
  const isEqual = judged.snapshot.checksum === checksum && judged.snapshot.lastEventId === lastEventId
  return isEqual ? judged.snapshot : undefined
}
