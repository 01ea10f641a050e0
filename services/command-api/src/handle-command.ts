// The way of one command. Load the stream, fold it, decide.
//
//   events      → one insert; a duplicate key means that the same request was answered before (give that answer
//                 again) or that somebody else's commit took the version (load and decide again, a few times)
//   no or no-op → decided again inside a majority transaction that also keeps the answer, so a "no" is a true no
//                 and is given again to whoever repeats the request; if the stream has changed, start over
//
// If-Match is no part of the fingerprint: a request repeated after it succeeded finds its own answer, not a 412.

import type { Codec, DomainEvent } from '@millrace/events'
import { fold, streamOf, type AnyCommand, type Decision } from '@millrace/domain'
import type { EventStore, LoadedStream, NewAnswer, NewCommit, StoredEvent } from '@millrace/mongo'
import type { CommandOutcome, CommandRequest, Precondition } from './command.ts'
import type { Answers } from './answers.ts'

export type HandleCommand = (request: CommandRequest) => Promise<CommandOutcome>

export type HandleCommandDeps = {
  readonly store: EventStore
  readonly codec: Codec
  readonly answers: Answers
  readonly newId: () => string
  readonly now: () => number
  readonly partitionOf: (topic: string, messageKey: string) => number
  /** Called after a commit is safe: wakes the relay. */
  readonly onAppended: (topic: string, partition: number) => void
}

/** After this many lost races the client hears 409 and may try again itself. */
const MAX_TRIES = 8

/** Key, headers and value of one record: above it Kafka might refuse what the store accepted. */
const MAX_RECORD_BYTES = 900 * 1024
const HEADER_ALLOWANCE_BYTES = 2 * 1024

const holds = (precondition: Precondition | undefined, version: number): boolean => {
  if (precondition === undefined) return true
  return precondition.type === 'exists' ? version > 0 : precondition.versions.includes(version)
}

export const makeHandleCommand = (deps: HandleCommandDeps): HandleCommand => {
  const { store, answers } = deps

  const decideOn = async (
    request: CommandRequest,
    at: number,
    loaded: LoadedStream,
  ): Promise<Decision<DomainEvent>> => {
    const { decider, topic } = request.context
    await deps.codec.ensureWriters(loaded.events.map((event) => deps.codec.writerIdOf(event.bytes)))
    const state = fold(
      decider,
      loaded.events.map(({ bytes, occurredAt }) => ({ ...deps.codec.decode(topic, bytes), occurredAt })),
    )
    const command: AnyCommand = { type: request.name, id: request.id, at, body: request.body }
    return decider.decide(state, command)
  }

  const commitOf = (request: CommandRequest, loaded: LoadedStream, events: readonly Encoded[]): NewCommit => {
    const { context, id, tenant } = request
    const now = deps.now()
    return {
      _id: deps.newId(),
      tenant,
      stream: streamOf(context, id),
      key: id,
      first: loaded.version + 1,
      topic: context.topic,
      partition: deps.partitionOf(context.topic, `${tenant}/${id}`),
      order: Math.max(now * 1000, loaded.order + 1),
      events,
      correlationId: request.correlationId,
      causationId: request.causationId,
      actor: request.principal,
      ...(request.traceparent === undefined ? {} : { traceparent: request.traceparent }),
      idempotency: keyOf(request),
    }
  }

  const encode = (request: CommandRequest, at: number, events: readonly DomainEvent[]): Encoded[] =>
    events.map((event) => ({
      id: deps.newId(),
      type: event.type,
      occurredAt: at,
      bytes: deps.codec.encode(request.context.topic, event),
    }))

  const append = async (
    request: CommandRequest,
    commit: NewCommit,
  ): Promise<CommandOutcome | 'version-taken'> => {
    const outcome = await store.append(commit)
    switch (outcome.type) {
      case 'appended':
        deps.onAppended(commit.topic, commit.partition)
        return answers.ofCommit({ ...commit, last: commit.first + commit.events.length - 1 }, false)
      case 'key-used':
        return answers.ofFormer(outcome.former, request)
      case 'version-taken':
        return 'version-taken'
    }
  }

  const keepAnswer = async (request: CommandRequest, at: number): Promise<CommandOutcome | 'changed'> => {
    const stream = streamOf(request.context, request.id)
    const outcome = await store.keepAnswer({ tenant: request.tenant, stream }, async (loaded) => {
      if (!holds(request.precondition, loaded.version)) return undefined
      const decision = await decideOn(request, at, loaded)
      if (decision.type === 'accepted' && decision.events.length > 0) return undefined
      return answerTo(request, decision, loaded)
    })
    switch (outcome.type) {
      case 'kept':
        return answers.ofAnswer(outcome.answer, request.tenant, false)
      case 'key-used':
        return answers.ofFormer(outcome.former, request)
      case 'changed':
        return 'changed'
    }
  }

  const answerTo = (
    request: CommandRequest,
    decision: Decision<DomainEvent>,
    loaded: LoadedStream,
  ): NewAnswer => {
    const kept = { _id: deps.newId(), tenant: request.tenant, idempotency: keyOf(request) }
    const stream = streamOf(request.context, request.id)
    if (decision.type === 'rejected') {
      return { ...kept, answer: { status: 422, body: { rejection: decision.reason, stream } } }
    }
    const body = { stream, version: loaded.version, lastCommitId: loaded.lastCommitId }
    return { ...kept, answer: { status: 200, body } }
  }

  const tryOnce = async (
    request: CommandRequest,
    loaded: LoadedStream,
  ): Promise<CommandOutcome | 'again'> => {
    const at = request.occurredAt ?? deps.now()
    if (!holds(request.precondition, loaded.version)) {
      const former = await store.findFormer({ tenant: request.tenant, ...keyOf(request) })
      return former
        ? answers.ofFormer(former, request)
        : { type: 'precondition-failed', currentVersion: loaded.version }
    }
    const decision = await decideOn(request, at, loaded)
    if (decision.type === 'rejected' || decision.events.length === 0) {
      const outcome = await keepAnswer(request, at)
      return outcome === 'changed' ? 'again' : outcome
    }
    const events = encode(request, at, decision.events)
    const bytes = Math.max(...events.map((event) => event.bytes.length)) + HEADER_ALLOWANCE_BYTES
    if (bytes > MAX_RECORD_BYTES) return { type: 'event-too-large', bytes }
    const outcome = await append(request, commitOf(request, loaded, events))
    return outcome === 'version-taken' ? 'again' : outcome
  }

  return async (request) => {
    const id = { tenant: request.tenant, stream: streamOf(request.context, request.id) }
    let loaded = await store.load(id)
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      const outcome = await tryOnce(request, loaded)
      if (outcome !== 'again') return outcome
      loaded = await store.load(id)
    }
    return { type: 'conflict', currentVersion: loaded.version }
  }
}

type Encoded = Omit<StoredEvent, 'version'>

const keyOf = (request: CommandRequest) => ({
  principal: request.principal,
  route: request.route,
  key: request.idempotencyKey,
  fingerprint: request.fingerprint,
})
