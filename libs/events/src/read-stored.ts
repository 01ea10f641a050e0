import type { Codec } from './codec.ts'
import { DecodeError } from './errors.ts'
import type { DomainEvent } from './recorded-event.ts'
import type { TopicName } from './topics.ts'

/**
 * An event as the event store has it, in its newest form; throws DecodeError. Its type stands beside its bytes: a
 * registry that gave the schema's id to another record would otherwise turn one event into another unnoticed.
 */
export const readStored = (
  codec: Pick<Codec, 'decode' | 'newestTypeOf'>,
  topic: TopicName,
  stored: { readonly type: string; readonly bytes: Buffer },
): DomainEvent => {
  const event = codec.decode(topic, stored.bytes)
  if (codec.newestTypeOf(stored.type) === event.type) return event
  throw new DecodeError({
    code: 'other-type',
    message: `stored as ${stored.type}, but its schema is that of ${event.type}`,
  })
}
