import { fold, streamOf, type AnyCommand, type Decision } from '@millrace/domain'
import type { Codec, DomainEvent } from '@millrace/events'
import type { LoadedStream, NewAnswer, NewCommit, StoredEvent } from '@millrace/mongo'
import type { CommandRequest } from './command.ts'

export type DecideDeps = {
  readonly codec: Codec
  readonly newId: () => string
  readonly now: () => number
  readonly partitionOf: (topic: string, messageKey: string) => number
}

/** A command on the stream as it was loaded; `at` is when its events happened, in UTC ms. */
export type Attempt = { readonly request: CommandRequest; readonly loaded: LoadedStream; readonly at: number }

export type EncodedEvent = Omit<StoredEvent, 'version'>

/** Folds the loaded stream and asks the decider. */
export const decide = async ({ codec }: DecideDeps, attempt: Attempt): Promise<Decision<DomainEvent>> => {
  const { request, loaded, at } = attempt
  const { decider, topic } = request.context
  await codec.ensureWriters(loaded.events.map(({ bytes }) => codec.writerIdOf(bytes)))
  const state = fold(
    decider,
    loaded.events.map(({ bytes, occurredAt }) => ({ ...codec.decode(topic, bytes), occurredAt })),
  )
  const command: AnyCommand = { type: request.name, id: request.id, at, body: request.body }
  return decider.decide(state, command)
}

/** Bytes are made before the commit: what is acknowledged can be published, byte for byte the same, at any time. */
export const encodeEvents = (
  deps: DecideDeps,
  attempt: Attempt,
  events: readonly DomainEvent[],
): EncodedEvent[] =>
  events.map((event) => ({
    id: deps.newId(),
    type: event.type,
    occurredAt: attempt.at,
    bytes: deps.codec.encode(attempt.request.context.topic, event),
  }))

export const keyOf = (request: CommandRequest) => ({
  principal: request.principal,
  route: request.route,
  key: request.idempotencyKey,
  fingerprint: request.fingerprint,
})

export const commitOf = (deps: DecideDeps, attempt: Attempt, events: readonly EncodedEvent[]): NewCommit => {
  const { request, loaded } = attempt
  const { context, id, tenant, traceparent } = request
  return {
    _id: deps.newId(),
    tenant,
    stream: streamOf(context, id),
    key: id,
    first: loaded.version + 1,
    topic: context.topic,
    partition: deps.partitionOf(context.topic, `${tenant}/${id}`),
    order: Math.max(deps.now() * 1000, loaded.order + 1),
    events,
    correlationId: request.correlationId,
    causationId: request.causationId,
    actor: request.principal,
    ...(traceparent === undefined ? {} : { traceparent }),
    idempotency: keyOf(request),
  }
}

/** What is kept of a decision without events. */
export const answerOf = (deps: DecideDeps, attempt: Attempt, decision: Decision<DomainEvent>): NewAnswer => {
  const { request, loaded } = attempt
  const kept = { _id: deps.newId(), tenant: request.tenant, idempotency: keyOf(request) }
  const stream = streamOf(request.context, request.id)
  if (decision.type === 'rejected') {
    return { ...kept, answer: { status: 422, body: { rejection: decision.reason, stream } } }
  }
  const body = { stream, version: loaded.version, lastCommitId: loaded.lastCommitId }
  return { ...kept, answer: { status: 200, body } }
}
