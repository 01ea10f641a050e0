// Waiting until a build contains the commit that `after` names. Of each look the checkpoint comes first and what is
// parked second: an event is parked in the transaction that moves the checkpoint past it, so the other way round it
// could slip between the two, and a document without it would be taken for fresh.
//
// Nobody waits for what waiting cannot bring: a key that is parked moves when somebody has looked at it, and a lane that
// has stopped likewise.

import { isFed } from '@millrace/domain'
import { toMessageKey } from '@millrace/events'
import type { Checkpoint, CheckpointId, LaneLookup, Positions, Whereabouts } from '@millrace/mongo'
import {
  pause,
  positionTokens,
  problems,
  wholeNumberOr,
  type Call,
  type ProblemRule,
  type TokenSigner,
} from '@millrace/runtime'
import { z } from 'zod'
import type { Served } from './served-builds.ts'

const DEFAULT_TIMEOUT_MS = 5_000
const MAX_TIMEOUT_MS = 30_000
/** Of a route that waits: the longest wait, and time to answer after it. */
export const WAITING_DEADLINE_MS = MAX_TIMEOUT_MS + 10_000
const FIRST_POLL_MS = 5
const MAX_POLL_MS = 100

export type WaitDeps = {
  readonly signer: TokenSigner
  readonly positions: Positions
  readonly checkpoints: {
    read(id: CheckpointId): Promise<Pick<Checkpoint, 'lastSequence' | 'stopped'> | undefined>
  }
  readonly lanes: Pick<LaneLookup, 'isParked'>
}

export const waitParameters = {
  after: z.string().optional().describe('A position: the answer is not older.'),
  timeout: wholeNumberOr(DEFAULT_TIMEOUT_MS, { min: 0, max: MAX_TIMEOUT_MS }).describe(
    'How long to wait for it, in ms.',
  ),
}

const lateStates = ['pending', 'rebuilding', 'quarantined', 'failed'] as const
type LateState = (typeof lateStates)[number]

/** What a list or document is answered with when it is asked for too early. */
export const lateProblem: ProblemRule = {
  description: 'The read model has not reached the position of `after`, or never will by waiting.',
  members: z
    .strictObject({
      projection: z.string(),
      state: z
        .enum(lateStates)
        .describe(
          'pending: not yet. rebuilding: not yet, and more than 1,000 events behind. quarantined: an event of the ' +
            'key was set aside, so this one waits behind it. failed: the read model has stopped in this partition. ' +
            'The last two are answered at once.',
        ),
      published: z.boolean().describe('Whether the log has the position.'),
      reachedSequence: z.int().describe('Of the read model, in the partition of the position.'),
      wantedSequence: z.int().describe('Of the position, if it is published.'),
    })
    .partial(),
  headers: { 'retry-after': 'Seconds to wait before asking again.' },
}

/** Of an answer that waited for a position, and has it. */
export const freshHeader = { 'millrace-state': '`fresh`, when `after` was given: the answer is not older.' }

export type Wait = { readonly after?: string | undefined; readonly timeout: number }

/** The answer has waited when it had to. */
export const freshnessOf = ({ after }: Wait): Record<string, string> =>
  after === undefined ? {} : { 'millrace-state': 'fresh' }

/** Of its call: `signal` ends the waiting when nobody waits any more. */
export type WaitingCall = Pick<Call<unknown, Wait>, 'principal' | 'query' | 'signal'>

/** Returns once the build contains the position; 504 with where it stands otherwise. */
export type Waiting = (served: Served) => Promise<void>

/** Begins the time of a call, for however many builds it looks at. */
export type WaitForPosition = (call: WaitingCall) => Waiting

type Standing = { readonly state: LateState | 'fresh'; readonly reached: number }

export const makeWaitForPosition = (deps: WaitDeps): WaitForPosition => {
  const tokens = positionTokens(deps.signer)
  return ({ principal: { tenant }, query: { after, timeout: timeoutMs }, signal }) => {
    if (after === undefined) return () => Promise.resolve()
    const commitId = tokens.read(tenant, after)
    if (commitId === undefined)
      throw problems.badRequest('after must be a position that a command answered with')
    const deadline = performance.now() + timeoutMs
    let where: Whereabouts = { type: 'unknown' }
    return async (served) => {
      let isFirst = true
      for (let delay = FIRST_POLL_MS; ; delay = Math.min(delay * 2, MAX_POLL_MS)) {
        if (where.type !== 'published') where = await deps.positions.locate({ tenant, commitId })
        const standing = await standingOf(deps, { served, where, tenant, isFirst })
        isFirst = false
        if (standing.state === 'fresh') return
        const left = deadline - performance.now()
        if (left <= 0 || isFinal(standing)) throw late({ served, where, standing })
        await pause(Math.min(delay, left), signal)
        signal.throwIfAborted()
      }
    }
  }
}

const isFinal = ({ state }: Standing): boolean => state === 'quarantined' || state === 'failed'

type Sought = {
  readonly served: Served
  readonly where: Whereabouts
  readonly tenant: string
  /** The first look of a wait. */
  readonly isFirst: boolean
}

const standingOf = async (deps: WaitDeps, { served, where, tenant, isFirst }: Sought): Promise<Standing> => {
  const { projection } = served
  if (where.type === 'unknown') return { state: 'pending', reached: 0 }
  if (!projection.sources.some((source) => source === where.topic))
    throw problems.badRequest(`${projection.name} is not made from ${where.topic}`)
  // It changed with the commit, or is folded of it now: whoever has a position of it is never too early.
  if (!isFed(projection)) return { state: 'fresh', reached: 0 }
  return standingInLane(deps, served.build, { where, tenant, isFirst })
}

/** Events of a partition: so many behind, it is on its way to the end of the log and not just not there yet. */
const FAR_BEHIND = 1_000

type Located = Exclude<Whereabouts, { readonly type: 'unknown' }>

const standingInLane = async (
  { checkpoints, lanes }: WaitDeps,
  build: string,
  { where, tenant, isFirst }: Pick<Sought, 'tenant' | 'isFirst'> & { readonly where: Located },
): Promise<Standing> => {
  const { topic, partition, key } = where
  const lane = { projection: build, topic, partition }
  const checkpoint = await checkpoints.read(lane)
  const reached = checkpoint?.lastSequence ?? 0
  const wanted = where.type === 'published' ? where.lastSequence : Infinity
  const isThere = reached >= wanted
  // What is parked behind the lane was there at the first look; what it parks on its way shows when it gets there.
  const isParked =
    (isFirst || isThere) &&
    (await lanes.isParked(lane, { parkingKey: toMessageKey({ tenant, key }), upTo: wanted }))
  if (isParked) return { state: 'quarantined', reached }
  return { state: isThere ? 'fresh' : behind(checkpoint, { where, reached }), reached }
}

const behind = (
  checkpoint: Pick<Checkpoint, 'stopped'> | undefined,
  { where, reached }: { readonly where: Located; readonly reached: number },
): LateState => {
  if (checkpoint?.stopped) return 'failed'
  return where.type === 'published' && where.lastSequence - reached > FAR_BEHIND ? 'rebuilding' : 'pending'
}

const explained: Readonly<Record<LateState, string>> = {
  pending: 'has not reached the position yet',
  rebuilding: 'is being built and has not reached the position yet',
  quarantined: 'has set an event of this key aside: the position waits until somebody has looked',
  failed: 'has stopped before the position: somebody has to look',
}

type Late = { readonly served: Served; readonly where: Whereabouts; readonly standing: Standing }

const late = ({ served: { projection }, where, standing }: Late) => {
  const state = standing.state === 'fresh' ? 'pending' : standing.state
  return problems.timeout(`${projection.name} ${explained[state]}`, {
    headers: { 'retry-after': isFinal(standing) ? '30' : '1' },
    members: {
      projection: projection.name,
      state,
      published: where.type === 'published',
      reachedSequence: standing.reached,
      ...(where.type === 'published' ? { wantedSequence: where.lastSequence } : {}),
    },
  })
}
