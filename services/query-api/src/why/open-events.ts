import type { AnyProjection, ProjectedEvent } from '@millrace/domain'
import { toProjected } from '@millrace/domain'
import { DecodeError, isTopicName, keyOfStream, readStored, writerIdsOf, type Codec } from '@millrace/events'
import type { ReadEvent } from '@millrace/mongo'

export type OpenedEvent<Stored extends ReadEvent = ReadEvent> = {
  readonly stored: Stored
  /** Null when it cannot be read. */
  readonly event: ProjectedEvent | null
}

export type OpenEvents = <Stored extends ReadEvent>(
  of: { readonly projection: AnyProjection; readonly tenant: string },
  events: readonly Stored[],
) => Promise<OpenedEvent<Stored>[]>

type Decode = Pick<Codec, 'writerIdOf' | 'ensureWriters' | 'decode' | 'newestTypeOf'>

/** Those that the projection handles, in their newest form. Throws RegistryUnavailableError. */
export const makeOpenEvents =
  (codec: Decode): OpenEvents =>
  async ({ projection, tenant }, events) => {
    const handled = events.filter(({ type }) => isHandled(codec, projection, type))
    await codec.ensureWriters(
      writerIdsOf(
        codec,
        handled.map(({ bytes }) => bytes),
      ),
    )
    return handled.map((stored) => ({ stored, event: orNull(() => open(codec, tenant, stored)) }))
  }

/** A type that nobody knows may be one that it should have handled. */
const isHandled = (codec: Decode, { events }: AnyProjection, storedType: string): boolean => {
  const newest = codec.newestTypeOf(storedType)
  return newest === undefined || events.some((type) => type === newest)
}

const open = (codec: Decode, tenant: string, stored: ReadEvent): ProjectedEvent => {
  const { topic, stream, id, version, occurredAt, correlationId, causationId, actor } = stored
  if (!isTopicName(topic)) throw new Error(`no topic ${topic} in the catalogue`)
  const key = keyOfStream(stream)
  return toProjected(
    { tenant, stream, key, correlationId, causationId, actor },
    { id, version, occurredAt, event: readStored(codec, topic, stored) },
  )
}

const orNull = <T>(work: () => T): T | null => {
  try {
    return work()
  } catch (error) {
    if (error instanceof DecodeError) return null
    throw error
  }
}
