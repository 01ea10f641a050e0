import {
  countIgnored,
  countTaken,
  makeAggregates,
  makeSnapshotter,
  openSnapshotStore,
  type Aggregates,
  type SnapshotPlace,
} from '@millrace/aggregates'
import type { Codec } from '@millrace/events'
import type { EventStore, MongoConnection } from '@millrace/mongo'
import type { Metrics } from '@millrace/runtime'
import type { SnapshotRoutesDeps } from './http/snapshots.ts'

type Parts = {
  readonly store: EventStore
  readonly codec: Codec
  readonly mongo: MongoConnection
  readonly place: SnapshotPlace
  readonly metrics: Metrics
}

export type OpenedAggregates = SnapshotRoutesDeps & { readonly aggregates: Aggregates }

/** Aggregates with their snapshots, counted. */
export const openAggregates = ({ store, codec, mongo, place, metrics }: Parts): OpenedAggregates => {
  const snapshots = openSnapshotStore(place, mongo)
  const onIgnored = countIgnored(metrics)
  return {
    aggregates: makeAggregates({ store, codec, snapshots, onIgnored }),
    snapshotter: makeSnapshotter({ store, codec, snapshots, now: Date.now, onIgnored }),
    onTaken: countTaken(metrics),
  }
}
