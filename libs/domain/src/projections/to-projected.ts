import type { DomainEvent, EventIdentity } from '@millrace/events'
import type { ProjectedEvent } from './projection.ts'

/** What all events of a commit have in common. */
export type CommitIdentity = Pick<
  EventIdentity,
  'tenant' | 'stream' | 'key' | 'correlationId' | 'causationId' | 'actor'
>

/** An event of a commit, decoded. */
export type CommittedEvent = Pick<EventIdentity, 'id' | 'version' | 'occurredAt'> & {
  readonly event: DomainEvent
}

export const toProjected = (
  { tenant, stream, key, correlationId, causationId, actor }: CommitIdentity,
  { event, id, version, occurredAt }: CommittedEvent,
): ProjectedEvent => ({
  ...event,
  id,
  tenant,
  stream,
  key,
  version,
  occurredAt,
  correlationId,
  causationId,
  actor,
})
