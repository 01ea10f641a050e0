/*
 * Recorded events without a store. Everything a test does not name follows from stream and version, so a test sees
 * the same ids and times on every run.
 */
import { createHash } from 'node:crypto'
import { categoryOf, contexts } from '@millrace/domain'
import { type DomainEvent, type EventIdentity, type EventType, topics } from '@millrace/events'

/** When version 1 of every recorded stream happened, UTC ms; each later version a second after the one before. */
export const RECORDED_AT_MS = Date.UTC(2026, 0, 1)

const VERSION_GAP_MS = 1000

type Identity = Partial<EventIdentity>

/** One event, by default version 1 of aggregate `a-1` of tenant `demo`. What the event says of itself stands. */
export const recorded = <Event extends DomainEvent>(
  event: Event & Identity,
  identity: Identity = {},
): Event & EventIdentity => {
  const { tenant = 'demo', key = 'a-1', version = 1 } = identity
  const { stream = `${categoryOfType(event.type)}-${key}` } = identity
  const id = uuidOf(`${tenant}/${stream}/${version}`)
  const occurredAt = RECORDED_AT_MS + (version - 1) * VERSION_GAP_MS
  const place = { tenant, stream, key, version, sequence: version - 1 }
  return { ...place, id, occurredAt, correlationId: id, causationId: id, actor: 'dev', ...identity, ...event }
}

/** Consecutive events of one stream; version and sequence count on from those of `first`, by default 1 and 0. */
export const recordedStream = <Event extends DomainEvent>(
  events: readonly (Event & Identity)[],
  first: Identity = {},
): (Event & EventIdentity)[] => {
  const { version = 1, sequence = version - 1 } = first
  return events.map((event, index) =>
    recorded<Event>(event, { ...first, version: version + index, sequence: sequence + index }),
  )
}

const categoryOfType = (type: EventType): string => {
  const recordTypes = (context: (typeof contexts)[number]): readonly EventType[] =>
    topics[context.topic].recordTypes
  const context = contexts.find((candidate) => recordTypes(candidate).includes(type))
  return context === undefined ? 'processes.process' : categoryOf(context)
}

/** Looks like a UUIDv7 and is the same for the same name. */
const uuidOf = (name: string): string => {
  const hex = createHash('sha256').update(name).digest('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `7${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}
