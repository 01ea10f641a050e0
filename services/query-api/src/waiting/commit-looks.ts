// Whether a build contains a commit. Of each look the checkpoint comes first and what is parked second: an event is parked
// in the transaction that moves the checkpoint past it, so the other way round it could slip between the two, and a
// document without it would be taken for fresh.
//
// A key that is parked moves when somebody has looked at it, and a lane that has stopped likewise.

import { isFed } from '@millrace/domain'
import { toMessageKey } from '@millrace/events'
import type { Checkpoint, CheckpointId, LaneLookup, Positions, Whereabouts } from '@millrace/mongo'
import { problems } from '@millrace/runtime'
import type { Served } from '../served-builds.ts'
import { behind, type Lateness } from './late.ts'
import type { Looks } from './until-fresh.ts'

type LaneCheckpoint = Pick<Checkpoint, 'lastSequence' | 'stopped'>

export type CommitDeps = {
  readonly positions: Positions
  readonly checkpoints: {
    read(id: CheckpointId): Promise<LaneCheckpoint | undefined>
  }
  readonly lanes: Pick<LaneLookup, 'isParked'>
}

export const commitLooks = (
  deps: CommitDeps,
  { tenant, commitId }: { readonly tenant: string; readonly commitId: string },
): Looks => {
  let where: Whereabouts = { type: 'unknown' }
  return (served) => {
    let isFirst = true
    return async () => {
      if (where.type !== 'published') where = await deps.positions.locate({ tenant, commitId })
      const standing = await standingOf(deps, { served, where, tenant, isFirst })
      isFirst = false
      return standing
    }
  }
}

type Sought = {
  readonly served: Served
  readonly where: Whereabouts
  readonly tenant: string
  /** The first look of a wait. */
  readonly isFirst: boolean
}

const standingOf = async (
  deps: CommitDeps,
  { served, where, tenant, isFirst }: Sought,
): Promise<'fresh' | Lateness> => {
  const { projection } = served
  if (where.type === 'unknown') return behind(0, undefined)
  if (!projection.sources.some((source) => source === where.topic))
    throw problems.badRequest(`${projection.name} is not made from ${where.topic}`)
  // It changed with the commit, or is folded of it now: whoever has a position of it is never too early.
  if (!isFed(projection)) return 'fresh'
  return standingInLane(deps, served.build, { where, tenant, isFirst })
}

type Located = Exclude<Whereabouts, { readonly type: 'unknown' }>

const standingInLane = async (
  { checkpoints, lanes }: CommitDeps,
  build: string,
  { where, tenant, isFirst }: Pick<Sought, 'tenant' | 'isFirst'> & { readonly where: Located },
): Promise<'fresh' | Lateness> => {
  const { topic, partition, key } = where
  const lane = { projection: build, topic, partition }
  const checkpoint = await checkpoints.read(lane)
  const reached = checkpoint?.lastSequence ?? 0
  const wanted = where.type === 'published' ? where.lastSequence : undefined
  const upTo = wanted ?? Infinity
  const isThere = reached >= upTo
  // What is parked behind the lane was there at the first look; what it parks on its way shows when it gets there.
  const mayBeParked = isFirst || isThere
  if (mayBeParked && (await lanes.isParked(lane, { parkingKey: toMessageKey({ tenant, key }), upTo })))
    return { state: 'quarantined', reached, wanted }
  if (isThere) return 'fresh'
  return behindLane(checkpoint, wanted)
}

const behindLane = (checkpoint: LaneCheckpoint | undefined, wanted: number | undefined): Lateness => {
  const reached = checkpoint?.lastSequence ?? 0
  return checkpoint?.stopped ? { state: 'failed', reached, wanted } : behind(reached, wanted)
}
