// The way of one write, a command or an append. Requests for one aggregate take turns in this replica, so that it has
// at most one unfinished commit; those for different aggregates are committed together by the store.
//
// A write is decided on what this replica knows: the cached state, or, of an aggregate it does not know, that there
// is none. That guess costs nothing: a yes is inserted behind that version, and the unique index over versions tells
// when somebody had gone further. Only a yes may come of it. Everything else is read first:
//
//   events      → one insert; a duplicate key means that the same request was answered before (give that answer
//                 again) or that the aggregate has gone on (read, decide again, a few times)
//   no or no-op → read, decide again; if it stands, decided once more inside a majority transaction that also keeps
//                 the answer, so a "no" is a true no and is given again to whoever repeats the request
//   precondition does not hold, or an event that the fold refuses → read, look again; of a repetition the first answer
//                 counts; and before it is said, a linearizable read finds that nobody has gone further
//
// If-Match is no part of the fingerprint: a request repeated after it succeeded finds its own answer, not a 412.

import { absent, streamIdOf, type Aggregate, type Aggregates } from '@millrace/aggregates'
import { ImpossibleEventError, fold, type Decision } from '@millrace/domain'
import { publishedBytes, scopeNameOf, type EventStore } from '@millrace/mongo'
import { backoffMs, pause } from '@millrace/runtime'
import type { Answers } from './answers.ts'
import {
  answerOf,
  commitOf,
  encodeEvents,
  inlineChangesOf,
  keyOf,
  type Attempt,
  type DecideDeps,
  type EncodedEvent,
} from './decide.ts'
import type { InTurn } from './in-turn.ts'
import type { StateCache } from './state-cache.ts'
import type { Precondition, ProposedEvent, WriteOutcome, WriteRequest } from './write.ts'

export type HandleWrite = (request: WriteRequest) => Promise<WriteOutcome>

export type HandleWriteDeps = DecideDeps & {
  readonly store: EventStore
  readonly aggregates: Aggregates
  readonly cache: StateCache
  readonly inTurn: InTurn
  readonly answers: Answers
  /** Called after a commit is safe: wakes the relay. */
  readonly onAppended: (topic: string, partition: number) => void
}

/** After this many lost races the client hears 409 and may try again itself. */
const MAX_TRIES = 12

/** Whoever has lost reads before the next try, the winner does not: without a pause the same one would win again. */
const AFTER_LOST_RACE = { firstMs: 4, maxMs: 250 }

/** Keys, headers and values of a commit, which is never split over two sends: above it Kafka might refuse them. */
const MAX_COMMIT_BYTES = 900 * 1024

export const makeHandleWrite = (deps: HandleWriteDeps): HandleWrite => {
  const handle = handleInTurn(deps)
  const running = new Map<string, string>()
  return async (request) => {
    const scope = scopeNameOf({ tenant: request.tenant, ...keyOf(request) })
    const fingerprint = running.get(scope)
    if (fingerprint !== undefined)
      return { type: fingerprint === request.fingerprint ? 'still-running' : 'key-reused' }
    running.set(scope, request.fingerprint)
    try {
      const { tenant, stream } = streamIdOf(request)
      return await deps.inTurn(`${tenant}/${stream}`, () => handle(request))
    } finally {
      running.delete(scope)
    }
  }
}

const handleInTurn =
  (deps: HandleWriteDeps): HandleWrite =>
  async (request) => {
    let aggregate = deps.cache.get(request) ?? absent(request.context)
    for (let reads = 0; reads <= MAX_TRIES; reads++) {
      const at = request.occurredAt ?? deps.now()
      const outcome = await tryOnce(deps, { request, aggregate, at }, reads > 0)
      if (outcome !== 'read') return outcome
      // The first reading is no lost race: nothing was known.
      if (reads > 0) await pause(backoffMs(reads, AFTER_LOST_RACE) * Math.random())
      aggregate = await read(deps, request, aggregate)
    }
    return { type: 'conflict', currentVersion: aggregate.version }
  }

/** Goes on from what is known, unless nothing is: then a snapshot may be closer. */
const read = async (
  { aggregates, cache }: HandleWriteDeps,
  request: WriteRequest,
  known: Aggregate,
): Promise<Aggregate> => {
  const aggregate = await aggregates.load(request, known.version === 0 ? undefined : known)
  if (aggregate.version > 0) cache.set(request, aggregate)
  return aggregate
}

/** `read`: the aggregate has to be read before anything can be said. */
type Tried = WriteOutcome | 'read'

const tryOnce = async (deps: HandleWriteDeps, attempt: Attempt, isRead: boolean): Promise<Tried> => {
  const { request, aggregate, at } = attempt
  const unlessAnswered = async (outcome: WriteOutcome): Promise<Tried> =>
    isRead ? ((await formerAnswer(deps, request)) ?? ifStill(deps, attempt, outcome)) : 'read'

  if (!holds(request.precondition, aggregate.version))
    return unlessAnswered({ type: 'precondition-failed', currentVersion: aggregate.version })
  const proposed = eventsOf(request.decide(aggregate.state, at))
  if (proposed.length === 0) return isRead ? keepAnswer(deps, attempt) : 'read'
  const events = await encodeEvents(deps, attempt, proposed)
  const bytes = events.reduce((sum, event) => sum + publishedBytes(event), 0)
  if (bytes > MAX_COMMIT_BYTES) return unlessAnswered({ type: 'events-too-large', bytes })
  const folded = foldEvents(attempt, events)
  if (folded.type === 'impossible') return unlessAnswered(folded)
  return append(deps, attempt, { events, state: folded.state })
}

type Folded =
  { readonly type: 'folded'; readonly state: unknown } | Extract<WriteOutcome, { type: 'impossible' }>

/** Before anything is written: a stream that its own fold refuses could never be read again. */
const foldEvents = ({ request, aggregate }: Attempt, events: readonly EncodedEvent[]): Folded => {
  let { state } = aggregate
  for (const [index, { event, occurredAt }] of events.entries()) {
    try {
      state = fold(request.context.decider, [{ ...event, occurredAt }], state)
    } catch (error) {
      if (error instanceof ImpossibleEventError) return { type: 'impossible', index, reason: error.message }
      throw error
    }
  }
  return { type: 'folded', state }
}

const formerAnswer = async (
  { store, answers }: HandleWriteDeps,
  request: WriteRequest,
): Promise<WriteOutcome | undefined> => {
  const former = await store.findFormer({ tenant: request.tenant, ...keyOf(request) })
  return former && answers.ofFormer(former, request)
}

/** For answers that are not kept, and so make no write that would fail if what they rest on was old. */
const ifStill = async (
  { store }: HandleWriteDeps,
  { request, aggregate }: Attempt,
  outcome: WriteOutcome,
): Promise<Tried> => ((await store.isLastVersion(streamIdOf(request), aggregate.version)) ? outcome : 'read')

/** Empty for a no and for a no-op. */
const eventsOf = (decision: Decision<ProposedEvent>): readonly ProposedEvent[] =>
  decision.type === 'accepted' ? decision.events : []

const holds = (precondition: Precondition | undefined, version: number): boolean => {
  if (precondition === undefined) return true
  return precondition.type === 'exists' ? version > 0 : precondition.versions.includes(version)
}

const append = async (
  deps: HandleWriteDeps,
  attempt: Attempt,
  { events, state }: { events: readonly EncodedEvent[]; state: unknown },
): Promise<Tried> => {
  const { request, aggregate } = attempt
  const commit = commitOf(deps, attempt, events)
  const outcome = await deps.store.append(commit, inlineChangesOf(attempt, events))
  switch (outcome.type) {
    case 'appended': {
      const version = aggregate.version + events.length
      deps.cache.set(request, { version, order: commit.order, lastCommitId: commit._id, state })
      deps.onAppended(commit.topic, commit.partition)
      return deps.answers.ofCommit({ ...commit, last: version }, false)
    }
    case 'key-used':
      return deps.answers.ofFormer(outcome.former, request)
    case 'refused':
      return keepAnswer(deps, attempt)
    case 'version-taken':
      return 'read'
  }
}

const keepAnswer = async (deps: HandleWriteDeps, { request, aggregate, at }: Attempt): Promise<Tried> => {
  const tail = { ...streamIdOf(request), after: aggregate.version }
  const outcome = await deps.store.keepAnswer(tail, async (sight) => {
    if (!sight.tail.isComplete) return undefined
    const seen = await deps.aggregates.extend(request.context, aggregate, sight.tail)
    const attempt = { request, aggregate: seen, at }
    if (!holds(request.precondition, seen.version)) return undefined
    const decision = request.decide(seen.state, at)
    const proposed = eventsOf(decision)
    if (proposed.length === 0) return answerOf(deps, attempt, decision)
    const events = await encodeEvents(deps, attempt, proposed)
    const reason = await sight.refusalOf(inlineChangesOf(attempt, events))
    return reason === undefined ? undefined : answerOf(deps, attempt, { type: 'rejected', reason })
  })
  switch (outcome.type) {
    case 'kept':
      return deps.answers.ofAnswer(outcome.answer, request.tenant, false)
    case 'key-used':
      return deps.answers.ofFormer(outcome.former, request)
    case 'changed':
      return 'read'
  }
}
