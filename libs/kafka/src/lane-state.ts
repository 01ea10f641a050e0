/**
 * A lane is one assignment of one partition to this process. It goes through these states:
 *
 *   opening   source.open is under way, or waits to be tried again. Nothing is fetched, so nothing can be lost.
 *   running   fetched records are handed to session.apply, one call at a time, all that is queued up to a limit.
 *   retrying  apply threw. The same records come again after a back-off; fetching goes on up to the byte limit.
 *   fenced    apply said that somebody else has claimed the partition. Queue and session are given up. A claim made
 *             now could take the partition back from its rightful owner, so the lane waits for a heartbeat that was
 *             sent after the fencing and accepted: the group still counts us as the owner. Then it opens again.
 *   stopped   apply said that only a human can let this partition go on. It stays paused; other lanes flow.
 *   draining  the consumer stops. The call in flight may still end well; nothing more is handed over.
 *   closed    the assignment is over. Whatever still comes back is ignored.
 *
 *   opening ──opened──► running ──failed──► retrying ──applied──► running ──fenced──► fenced ──heartbeat──► opening
 *   running, retrying ──stopped──► stopped       running ──drain──► draining       any ──closed──► closed
 *
 * This file decides; lane.ts does. A step returns the next state and the effects to carry out, in order.
 */
import { backoffMs } from '@millrace/runtime'
import type { LaneOutcome } from './lane-source.ts'

export type LaneState =
  | { readonly type: 'opening'; readonly attempt: number }
  | { readonly type: 'running' }
  | { readonly type: 'retrying'; readonly attempt: number; readonly error: string }
  | { readonly type: 'fenced'; readonly sinceMs: number }
  | { readonly type: 'stopped'; readonly reason: string }
  | { readonly type: 'draining' }
  | { readonly type: 'closed' }

export type LaneInput =
  | { readonly type: 'opened'; readonly nextOffset: bigint }
  | { readonly type: 'open-failed' }
  | { readonly type: 'answered'; readonly outcome: LaneOutcome; readonly atMs: number }
  | { readonly type: 'apply-failed'; readonly error: string }
  | { readonly type: 'heartbeat'; readonly sentAtMs: number }
  | { readonly type: 'drain' }
  | { readonly type: 'closed' }

export type LaneEffect =
  | { readonly type: 'open'; readonly afterMs: number }
  | { readonly type: 'consume'; readonly fromOffset: bigint }
  /** Everything below is done: keep that, and hand over what comes next. */
  | { readonly type: 'advance'; readonly nextOffset: bigint }
  | { readonly type: 'apply-again'; readonly afterMs: number }
  /** Stop fetching, drop what is queued, close the session. */
  | { readonly type: 'let-go' }

export type LaneStep = { readonly state: LaneState; readonly effects: readonly LaneEffect[] }

const BACKOFF = { firstMs: 100, maxMs: 10_000 }

export const firstStep: LaneStep = {
  state: { type: 'opening', attempt: 1 },
  effects: [{ type: 'open', afterMs: 0 }],
}

const stay = (state: LaneState): LaneStep => ({ state, effects: [] })

const close = (state: LaneState): LaneStep =>
  state.type === 'closed' ? stay(state) : { state: { type: 'closed' }, effects: [{ type: 'let-go' }] }

const openAgain = (attempt: number): LaneStep => ({
  state: { type: 'opening', attempt: attempt + 1 },
  effects: [{ type: 'open', afterMs: backoffMs(attempt, BACKOFF) }],
})

const takeOutcome = (outcome: LaneOutcome, atMs: number): LaneStep => {
  switch (outcome.type) {
    case 'applied':
      return { state: { type: 'running' }, effects: [{ type: 'advance', nextOffset: outcome.nextOffset }] }
    case 'fenced':
      return { state: { type: 'fenced', sinceMs: atMs }, effects: [{ type: 'let-go' }] }
    case 'stopped':
      return { state: { type: 'stopped', reason: outcome.reason }, effects: [{ type: 'let-go' }] }
  }
}

const retry = (failuresBefore: number, error: string): LaneStep => {
  const attempt = failuresBefore + 1
  return {
    state: { type: 'retrying', attempt, error },
    effects: [{ type: 'apply-again', afterMs: backoffMs(attempt, BACKOFF) }],
  }
}

const stepOpening = (state: LaneState & { type: 'opening' }, input: LaneInput): LaneStep => {
  if (input.type === 'open-failed') return openAgain(state.attempt)
  if (input.type !== 'opened') return stay(state)
  return { state: { type: 'running' }, effects: [{ type: 'consume', fromOffset: input.nextOffset }] }
}

const stepFlowing = (state: LaneState & { type: 'running' | 'retrying' }, input: LaneInput): LaneStep => {
  if (input.type === 'answered') return takeOutcome(input.outcome, input.atMs)
  if (input.type !== 'apply-failed') return stay(state)
  return retry(state.type === 'retrying' ? state.attempt : 0, input.error)
}

const stepFenced = (state: LaneState & { type: 'fenced' }, input: LaneInput): LaneStep =>
  // A heartbeat sent in the same millisecond may have been sent before the fencing.
  input.type === 'heartbeat' && input.sentAtMs > state.sinceMs ? firstStep : stay(state)

const stepDraining = (state: LaneState & { type: 'draining' }, input: LaneInput): LaneStep => {
  if (input.type !== 'answered' || input.outcome.type !== 'applied') return stay(state)
  return { state, effects: [{ type: 'advance', nextOffset: input.outcome.nextOffset }] }
}

/** True while records are handed on, or wait to be. */
export const isFlowing = (state: LaneState): boolean => state.type === 'running' || state.type === 'retrying'

const stepOpenLane = (state: LaneState, input: LaneInput): LaneStep => {
  switch (state.type) {
    case 'opening':
      return stepOpening(state, input)
    case 'running':
    case 'retrying':
      return stepFlowing(state, input)
    case 'fenced':
      return stepFenced(state, input)
    case 'draining':
      return stepDraining(state, input)
    case 'stopped':
    case 'closed':
      return stay(state)
  }
}

/** What a lane does next. An input that no longer fits its state, such as a late answer, changes nothing. */
export const stepLane = (state: LaneState, input: LaneInput): LaneStep => {
  if (input.type === 'closed') return close(state)
  if (input.type !== 'drain') return stepOpenLane(state, input)
  return state.type === 'running' ? stay({ type: 'draining' }) : close(state)
}
