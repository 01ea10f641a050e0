import { streamIdOf, type Aggregate } from '@millrace/aggregates'
import { inlineChangesOf as changesOfRules, toProjected, type Decision } from '@millrace/domain'
import type { Codec, DomainEvent } from '@millrace/events'
import type { InlineChange, NewAnswer, NewCommit, StoredEvent } from '@millrace/mongo'
import type { ProposedEvent, WriteRequest } from './write.ts'

export type DecideDeps = {
  readonly codec: Codec
  readonly newId: () => string
  readonly now: () => number
  readonly partitionOf: (topic: string, messageKey: string) => number
}

/** A request on the aggregate as it is known; `at` is when its events happened, in UTC ms. */
export type Attempt = {
  readonly request: WriteRequest
  readonly aggregate: Aggregate
  readonly at: number
}

/** Events with everything they need but a version. */
export type EncodedEvent = Omit<StoredEvent, 'version'> & { readonly event: DomainEvent }

/** Bytes are made before the commit: what is acknowledged can be published, byte for byte the same, at any time. */
export const encodeEvents = async (
  { codec, newId }: DecideDeps,
  { request, at }: Attempt,
  proposed: readonly ProposedEvent[],
): Promise<EncodedEvent[]> => {
  const { topic } = request.context
  const encoded = proposed.map(({ id, occurredAt, metadata, ...event }) => ({
    id: id ?? newId(),
    type: event.type,
    occurredAt: occurredAt ?? at,
    bytes: codec.encode(topic, event),
    ...(metadata === undefined ? {} : { metadata }),
  }))
  await codec.ensureWriters(encoded.map(({ bytes }) => codec.writerIdOf(bytes)))
  // As everybody else will read it.
  return encoded.map((event) => ({ ...event, event: codec.decode(topic, event.bytes) }))
}

export const keyOf = (request: WriteRequest) => ({
  principal: request.principal,
  route: request.route,
  key: request.idempotencyKey,
  fingerprint: request.fingerprint,
})

export const commitOf = (deps: DecideDeps, attempt: Attempt, events: readonly EncodedEvent[]): NewCommit => {
  const { request, aggregate } = attempt
  const { context, id, tenant, traceparent } = request
  return {
    _id: deps.newId(),
    ...streamIdOf(request),
    key: id,
    first: aggregate.version + 1,
    topic: context.topic,
    partition: deps.partitionOf(context.topic, `${tenant}/${id}`),
    order: Math.max(deps.now() * 1000, aggregate.order + 1),
    events: events.map(({ event: _, ...stored }) => stored),
    correlationId: request.correlationId,
    causationId: request.causationId,
    actor: request.principal,
    ...(traceparent === undefined ? {} : { traceparent }),
    idempotency: keyOf(request),
  }
}

/** What is kept of a decision without events. */
export const answerOf = (
  deps: DecideDeps,
  { request, aggregate }: Attempt,
  decision: Decision<unknown>,
): NewAnswer => {
  const kept = { _id: deps.newId(), tenant: request.tenant, idempotency: keyOf(request) }
  const { stream } = streamIdOf(request)
  if (decision.type === 'rejected') {
    return { ...kept, answer: { status: 422, body: { rejection: decision.reason, stream } } }
  }
  const body = { stream, version: aggregate.version, lastCommitId: aggregate.lastCommitId }
  return { ...kept, answer: { status: 200, body } }
}

/** The documents of inline read models that the events of a commit change. */
export const inlineChangesOf = (
  { request, aggregate }: Attempt,
  events: readonly EncodedEvent[],
): InlineChange[] => {
  const { correlationId, causationId, principal: actor, id: key } = request
  const commit = { ...streamIdOf(request), key, correlationId, causationId, actor }
  const projected = events.map((event, index) =>
    toProjected(commit, { ...event, version: aggregate.version + 1 + index }),
  )
  return changesOfRules(request.context.inline, projected)
}
