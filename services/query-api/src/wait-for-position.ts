import { versionedName, type AnyProjection } from '@millrace/domain'
import type { Positions, ProjectionStore, Whereabouts } from '@millrace/mongo'
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

const DEFAULT_TIMEOUT_MS = 5_000
export const MAX_TIMEOUT_MS = 30_000
const FIRST_POLL_MS = 5
const MAX_POLL_MS = 100

export type WaitDeps = {
  readonly signer: TokenSigner
  readonly positions: Positions
  readonly checkpoints: Pick<ProjectionStore, 'read'>
}

export const waitParameters = {
  after: z.string().optional().describe('A position: the answer is not older.'),
  timeout: wholeNumberOr(DEFAULT_TIMEOUT_MS, { min: 0, max: MAX_TIMEOUT_MS }).describe(
    'How long to wait for it, in ms.',
  ),
}

/** What a list or document is answered with when it is asked for too early. */
export const lateProblem: ProblemRule = {
  description: 'The read model has not reached the position of `after` in time.',
  members: z
    .strictObject({
      projection: z.string(),
      state: z
        .enum(['pending', 'unpublished'])
        .describe('Whether the log has it: it waits for the read model, or for the relay.'),
      reachedSequence: z.int().describe('Of the read model, in the partition of the position.'),
      wantedSequence: z.int().describe('Of the position, if it is published.'),
    })
    .partial(),
  headers: { 'retry-after': 'Seconds to wait before asking again.' },
}

export type Wait = { readonly after?: string | undefined; readonly timeout: number }

/** Of its call: `signal` ends the waiting when nobody waits any more. */
export type WaitingCall = Pick<Call<unknown, Wait>, 'principal' | 'query' | 'signal'>

/** Returns once the projection contains the commit that `after` names; 504 with where it stands otherwise. */
export const makeWaitForPosition = ({ signer, positions, checkpoints }: WaitDeps) => {
  const tokens = positionTokens(signer)
  const commitOf = (tenant: string, token: string): string => {
    const commitId = tokens.read(tenant, token)
    if (commitId !== undefined) return commitId
    throw problems.badRequest('after must be a position that a command answered with')
  }

  const reachedBy = async (projection: AnyProjection, where: Whereabouts): Promise<number> => {
    if (where.type === 'unknown') return 0
    const { topic, partition } = where
    const id = { projection: versionedName(projection), topic, partition }
    return (await checkpoints.read(id))?.lastSequence ?? 0
  }

  return async (projection: AnyProjection, call: WaitingCall): Promise<void> => {
    const { after, timeout: timeoutMs } = call.query
    if (after === undefined) return
    const { principal, signal } = call
    const commitId = commitOf(principal.tenant, after)
    const deadline = performance.now() + timeoutMs
    for (let delay = FIRST_POLL_MS; ; delay = Math.min(delay * 2, MAX_POLL_MS)) {
      const where = await positions.locate({ tenant: principal.tenant, commitId })
      if (where.type !== 'unknown' && !isSource(projection, where.topic)) {
        throw problems.badRequest(`${projection.name} is not made from ${where.topic}`)
      }
      // It changed with the commit: whoever has a position of it is never too early.
      if (projection.kind === 'inline' && where.type !== 'unknown') return
      const reached = await reachedBy(projection, where)
      if (where.type === 'published' && reached >= where.lastSequence) return
      const left = deadline - performance.now()
      if (left <= 0) throw late(projection, where, { reached, timeoutMs })
      await pause(Math.min(delay, left), signal)
      signal.throwIfAborted()
    }
  }
}

const isSource = (projection: AnyProjection, topic: string): boolean =>
  projection.sources.some((source) => source === topic)

const late = (
  projection: AnyProjection,
  where: Whereabouts,
  waited: { reached: number; timeoutMs: number },
) =>
  problems.timeout(`${projection.name} has not reached the position within ${waited.timeoutMs} ms`, {
    headers: { 'retry-after': '1' },
    members: {
      projection: projection.name,
      state: where.type === 'published' ? 'pending' : 'unpublished',
      reachedSequence: waited.reached,
      ...(where.type === 'published' ? { wantedSequence: where.lastSequence } : {}),
    },
  })
