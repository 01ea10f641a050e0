// The next commits of some partitions, by id, for a reader that follows many and loads what it wants of them. Its query
// looks for the record that holds a position and for those behind it at two moments, so a gap is a record that came in
// between: the window ends before it. Who folds all of one partition has partition-log.ts, to which a gap is damage.

import type { ClientSession, Document } from 'mongodb'
import type { Collections } from './collections.ts'
import type { PublicationDocument, ShardId } from './documents.ts'
import { commitsOf, inShard, placeOf, type LoggedCommit } from './publication-records.ts'

/** The next `size` sequences of a partition behind `after`. */
export type Stretch = { readonly shard: ShardId; readonly after: number; readonly size: number }

/** What the records that are done say of a stretch; a commit is never cut. */
export type LogWindow = {
  readonly commits: readonly LoggedCommit[]
  /** Sequence of the last event that was looked at. */
  readonly lastSequence: number
  /** Nothing was done behind it. */
  readonly isAtEnd: boolean
}

type At = Pick<Collections, 'publications'> & { readonly session: ClientSession }

/** One window for each stretch, in one query; of a partition that has nothing new nothing is transferred. */
export const readWindows = async (
  { publications, session }: At,
  stretches: readonly Stretch[],
): Promise<LogWindow[]> => {
  const [first = [], ...others] = stretches.flatMap((stretch) => [holding(stretch), behind(stretch)])
  const records = await publications
    .aggregate<PublicationDocument>(
      [
        ...first,
        ...others.map((pipeline) => ({ $unionWith: { coll: publications.collectionName, pipeline } })),
      ],
      { session },
    )
    .toArray()
  const byShard = Map.groupBy(records, ({ _id }) => placeOf(_id))
  return stretches.map((stretch) => toWindow(stretch, byShard.get(placeOf(stretch.shard)) ?? []))
}

/** The record that has the stretch's first event, if there is one. */
const holding = ({ shard, after }: Stretch): Document[] => {
  const end = { $add: ['$firstSequence', { $sum: '$eventCounts' }] }
  return [
    { $match: { ...inShard(shard), firstSequence: { $lte: after + 1 } } },
    { $sort: { firstSequence: -1 } },
    { $limit: 1 },
    { $match: { $expr: { $gt: [end, after + 1] } } },
  ]
}

/** The records that begin inside the stretch or right behind it: there the sequence tells how far it is. */
const behind = ({ shard, after, size }: Stretch): Document[] => [
  { $match: { ...inShard(shard), firstSequence: { $gt: after + 1, $lte: after + size + 1 } } },
  { $sort: { firstSequence: 1 } },
]

/**
 * Ends at the first record that is not done. `done` is for ever: a topic that is made anew has its records produced
 * again, under the same sequences, but what they hold has been in the log all the time.
 */
const toWindow = ({ after, size }: Stretch, records: readonly PublicationDocument[]): LogWindow => {
  const commits: LoggedCommit[] = []
  let end = after
  for (const record of records) {
    // A record that begins later was finished while the query ran: the one before it was not seen.
    if (record.state !== 'done' || record.firstSequence > end + 1) break
    const logged = commitsOf(record)
    commits.push(...logged)
    end = logged.at(-1)?.lastSequence ?? end
  }
  const wanted = commits.filter(
    ({ firstSequence, lastSequence }) => lastSequence > after && firstSequence <= after + size,
  )
  return {
    commits: wanted,
    lastSequence: wanted.at(-1)?.lastSequence ?? after,
    isAtEnd: end <= after + size,
  }
}
