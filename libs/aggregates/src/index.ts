export { absent, streamIdOf, type Aggregate, type AggregateRef } from './aggregate.ts'
export {
  makeAggregates,
  type Aggregates,
  type AggregatesDeps,
  type PastAggregate,
  type When,
} from './aggregates.ts'
export type { Patience } from './ask-patiently.ts'
export type { WrongSnapshot } from './audit-snapshots.ts'
export { countIgnored } from './count-ignored.ts'
export { countTaken, type TakenFor } from './count-taken.ts'
export { fileSnapshotStore } from './file-snapshot-store.ts'
export { openSnapshotStore, snapshotEnv, withMemory, type SnapshotPlace } from './open-snapshot-store.ts'
export type { IgnoredReason, IgnoredSnapshot } from './snapshot.ts'
export { makeSnapshotter, type Snapshotter, type SnapshotterDeps, type Taken } from './snapshotter.ts'
export { checksumOf } from './state-checksum.ts'
