import { isTopicName, readStored, type Codec } from '@millrace/events'
import type { LogEvent, ReadEvent } from '@millrace/mongo'
import { z } from 'zod'

/** An event as the API shows it: data and type in their newest form. */
export const eventView = z
  .strictObject({
    id: z.string(),
    type: z.string(),
    stream: z.string(),
    version: z.int(),
    occurredAt: z.iso.datetime(),
    sequence: z.int().optional().describe('In its partition of the log; where the log was read.'),
    correlationId: z.string(),
    causationId: z.string(),
    actor: z.string(),
    metadata: z.record(z.string(), z.string()).optional().describe('As it was appended with, if it was.'),
    data: z.record(z.string(), z.unknown()).describe('As the event type has it, in its newest form.'),
  })
  .meta({ id: 'Event' })

export type EventView = z.output<typeof eventView>

export type Decode = Pick<Codec, 'writerIdOf' | 'ensureWriters' | 'decode' | 'newestTypeOf'>

/** Throws DecodeError, and RegistryUnavailableError while a schema that is needed first cannot be had. */
export const viewEvents = async (
  codec: Decode,
  events: readonly (ReadEvent | LogEvent)[],
): Promise<EventView[]> => {
  await codec.ensureWriters(events.map(({ bytes }) => codec.writerIdOf(bytes)))
  return events.map((event) => viewEvent(codec, event))
}

const viewEvent = (codec: Decode, event: ReadEvent | LogEvent): EventView => {
  const { id, stream, version, correlationId, causationId, actor, metadata, topic } = event
  if (!isTopicName(topic)) throw new Error(`no topic ${topic} in the catalogue`)
  const { type, data } = readStored(codec, topic, event)
  return {
    ...{ id, type, stream, version },
    occurredAt: new Date(event.occurredAt).toISOString(),
    ...{ correlationId, causationId, actor },
    ...('sequence' in event ? { sequence: event.sequence } : {}),
    ...(metadata === undefined ? {} : { metadata }),
    data,
  }
}
