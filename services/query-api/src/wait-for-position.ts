// Waiting until a build contains what `after` names. Nobody waits for what waiting cannot bring.

import { positionTokens, problems, wholeNumberOr, type Call, type TokenSigner } from '@millrace/runtime'
import { z } from 'zod'
import type { Served } from './served-builds.ts'
import { commitLooks, type CommitDeps } from './waiting/commit-looks.ts'
import { recordsLooks, type RecordsDeps } from './waiting/records-looks.ts'
import { untilFresh } from './waiting/until-fresh.ts'

const DEFAULT_TIMEOUT_MS = 5_000
const MAX_TIMEOUT_MS = 30_000
/** Of a route that waits: the longest wait, and time to answer after it. */
export const WAITING_DEADLINE_MS = MAX_TIMEOUT_MS + 10_000

export type WaitDeps = CommitDeps & RecordsDeps & { readonly signer: TokenSigner }

export const waitParameters = {
  after: z.string().optional().describe('A position: the answer is not older.'),
  timeout: wholeNumberOr(DEFAULT_TIMEOUT_MS, { min: 0, max: MAX_TIMEOUT_MS }).describe(
    'How long to wait for it, in ms.',
  ),
}

/** Of an answer that waited for a position, and has it. */
export const freshHeader = { 'millrace-state': '`fresh`, when `after` was given: the answer is not older.' }

export type Wait = { readonly after?: string | undefined; readonly timeout: number }

/** The answer has waited when it had to. */
export const freshnessOf = ({ after }: Wait): Record<string, string> =>
  after === undefined ? {} : { 'millrace-state': 'fresh' }

/** Of its call: `signal` ends the waiting when nobody waits any more. */
export type WaitingCall = Pick<Call<unknown, Wait>, 'principal' | 'query' | 'signal'>

/**
 * Returns once the build contains the position; 504 with where it stands otherwise. `key`: of the document that is asked
 * for, null for a list.
 */
export type Waiting = (served: Served, key: string | null) => Promise<void>

/** Begins the time of a call, for however many builds it looks at. */
export type WaitForPosition = (call: WaitingCall) => Waiting

export const makeWaitForPosition = (deps: WaitDeps): WaitForPosition => {
  const tokens = positionTokens(deps.signer)
  return ({ principal: { tenant }, query: { after, timeout: timeoutMs }, signal }) => {
    if (after === undefined) return () => Promise.resolve()
    const position = tokens.read(tenant, after)
    if (position === undefined)
      throw problems.badRequest('after must be a position that a command or heartbeats were answered with')
    const patience = { deadlineMs: performance.now() + timeoutMs, signal }
    const looks =
      'commit' in position
        ? commitLooks(deps, { tenant, commitId: position.commit })
        : recordsLooks(deps, { tenant, position })
    return async (served, key) => untilFresh(served.projection, patience, looks(served, key))
  }
}
