import { streamIdOf } from '@millrace/aggregates'
import type { SnapshotMark, SnapshotStore, StoredSnapshot, StreamStarts } from '@millrace/mongo'
import { z } from 'zod'
import { planSnapshots, type Standing } from './plan-snapshots.ts'
import type { Touched } from './read-touched.ts'
import type { TakeSnapshots } from './take-snapshots.ts'

export type CompactDeps = {
  readonly snapshots: Pick<SnapshotStore, 'newest'>
  readonly startsOf: StreamStarts
  readonly takeSnapshots: TakeSnapshots
}

/** Takes the snapshots that are due among streams that were touched. */
export const compact = async (deps: CompactDeps, touched: readonly Touched[]): Promise<void> =>
  deps.takeSnapshots(planSnapshots(await findStandings(deps, touched)))

const findStandings = async (
  { snapshots, startsOf }: CompactDeps,
  touched: readonly Touched[],
): Promise<Standing[]> => {
  const newest = await snapshots.newest(touched.map(({ ref }) => streamIdOf(ref)))
  const withMarks = touched.map((one, index) => ({ touched: one, newest: markOf(newest[index]) }))
  const unknown = withMarks.filter((one) => !one.newest && one.touched.startedAtMs === undefined)
  const starts = await startsOf(unknown.map((one) => streamIdOf(one.touched.ref)))
  const startOf = new Map(unknown.map((one, index) => [one.touched, starts[index]]))
  return withMarks.map((one) => ({
    ...one,
    startedAtMs: one.touched.startedAtMs ?? startOf.get(one.touched),
  }))
}

const markSchema = z.object({ version: z.int(), stateVersion: z.int(), takenAt: z.int() })

const markOf = (stored: StoredSnapshot | undefined): SnapshotMark | 'unreadable' | undefined => {
  if (!stored) return undefined
  return markSchema.safeParse(stored.content).data ?? 'unreadable'
}
