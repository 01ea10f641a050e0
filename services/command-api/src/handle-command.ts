// The way of one command. Load the stream, fold it, decide.
//
//   events      → one insert; a duplicate key means that the same request was answered before (give that answer
//                 again) or that somebody else's commit took the version (load and decide again, a few times)
//   no or no-op → decided again inside a majority transaction that also keeps the answer, so a "no" is a true no
//                 and is given again to whoever repeats the request; if the stream has changed, start over
//
// If-Match is no part of the fingerprint: a request repeated after it succeeded finds its own answer, not a 412.

import { streamOf } from '@millrace/domain'
import type { EventStore, NewCommit } from '@millrace/mongo'
import type { Answers } from './answers.ts'
import type { CommandOutcome, CommandRequest, Precondition } from './command.ts'
import { answerOf, commitOf, decide, encodeEvents, keyOf, type Attempt, type DecideDeps } from './decide.ts'

export type HandleCommand = (request: CommandRequest) => Promise<CommandOutcome>

export type HandleCommandDeps = DecideDeps & {
  readonly store: EventStore
  readonly answers: Answers
  /** Called after a commit is safe: wakes the relay. */
  readonly onAppended: (topic: string, partition: number) => void
}

/** After this many lost races the client hears 409 and may try again itself. */
const MAX_TRIES = 8

/** Keys, headers and values of a commit, which is never split over two sends: above it Kafka might refuse them. */
const MAX_COMMIT_BYTES = 900 * 1024
const HEADER_ALLOWANCE_BYTES = 2 * 1024

export const makeHandleCommand =
  (deps: HandleCommandDeps): HandleCommand =>
  async (request) => {
    const id = { tenant: request.tenant, stream: streamOf(request.context, request.id) }
    let loaded = await deps.store.load(id)
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      const at = request.occurredAt ?? deps.now()
      const outcome = await tryOnce(deps, { request, loaded, at })
      if (outcome !== 'again') return outcome
      loaded = await deps.store.load(id)
    }
    return { type: 'conflict', currentVersion: loaded.version }
  }

type Tried = CommandOutcome | 'again'

const tryOnce = async (deps: HandleCommandDeps, attempt: Attempt): Promise<Tried> => {
  const { request, loaded } = attempt
  if (!holds(request.precondition, loaded.version)) return preconditionFailed(deps, attempt)
  const decision = await decide(deps, attempt)
  if (decision.type === 'rejected' || decision.events.length === 0) return keepAnswer(deps, attempt)
  const events = encodeEvents(deps, attempt, decision.events)
  const bytes = events.reduce((sum, event) => sum + event.bytes.length + HEADER_ALLOWANCE_BYTES, 0)
  if (bytes > MAX_COMMIT_BYTES) return { type: 'events-too-large', bytes }
  return append(deps, request, commitOf(deps, attempt, events))
}

const holds = (precondition: Precondition | undefined, version: number): boolean => {
  if (precondition === undefined) return true
  return precondition.type === 'exists' ? version > 0 : precondition.versions.includes(version)
}

const preconditionFailed = async (
  deps: HandleCommandDeps,
  { request, loaded }: Attempt,
): Promise<CommandOutcome> => {
  const former = await deps.store.findFormer({ tenant: request.tenant, ...keyOf(request) })
  if (former) return deps.answers.ofFormer(former, request)
  return { type: 'precondition-failed', currentVersion: loaded.version }
}

const append = async (
  deps: HandleCommandDeps,
  request: CommandRequest,
  commit: NewCommit,
): Promise<Tried> => {
  const outcome = await deps.store.append(commit)
  switch (outcome.type) {
    case 'appended':
      deps.onAppended(commit.topic, commit.partition)
      return deps.answers.ofCommit({ ...commit, last: commit.first + commit.events.length - 1 }, false)
    case 'key-used':
      return deps.answers.ofFormer(outcome.former, request)
    case 'version-taken':
      return 'again'
  }
}

const keepAnswer = async (deps: HandleCommandDeps, { request, at }: Attempt): Promise<Tried> => {
  const stream = { tenant: request.tenant, stream: streamOf(request.context, request.id) }
  const outcome = await deps.store.keepAnswer(stream, async (loaded) => {
    if (!holds(request.precondition, loaded.version)) return undefined
    const attempt = { request, loaded, at }
    const decision = await decide(deps, attempt)
    if (decision.type === 'accepted' && decision.events.length > 0) return undefined
    return answerOf(deps, attempt, decision)
  })
  switch (outcome.type) {
    case 'kept':
      return deps.answers.ofAnswer(outcome.answer, request.tenant, false)
    case 'key-used':
      return deps.answers.ofFormer(outcome.former, request)
    case 'changed':
      return 'again'
  }
}
