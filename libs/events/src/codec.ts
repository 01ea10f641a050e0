import type { RegistryOptions } from './ask-registry.ts'
import { makeDecoder } from './decoder.ts'
import { makeEncoder } from './encoder.ts'
import type { EventCatalogue } from './event-catalogue.ts'
import { makeInMemoryRegistry } from './in-memory-registry.ts'
import type { DomainEvent } from './recorded-event.ts'
import { registerAll } from './register-schemas.ts'
import { connectRegistry, type SchemaRegistry } from './schema-registry.ts'
import { shippedEvents } from './shipped-events.ts'
import { topicNames, type TopicName } from './topics.ts'
import { writerIdOf } from './wire-format.ts'

/** Events to bytes and back, in Confluent wire format. All that may wait is in ensureWriters. */
export type Codec = {
  /** Throws EncodeError when the data does not fit the schema, undeclared fields included. */
  readonly encode: (topic: TopicName, event: DomainEvent) => Buffer
  /** Throws DecodeError when the bytes cannot be in wire format. */
  readonly writerIdOf: (bytes: Buffer) => number
  /**
   * Loads the writer schemas that are not known yet; call it with the ids of a batch before decoding the batch.
   * Throws RegistryUnavailableError while the registry gives no answer. An id that the registry does not know is
   * not an error here: decode reports it for the record that has it, and the next call asks for it again.
   */
  readonly ensureWriters: (ids: Iterable<number>) => Promise<void>
  /**
   * The one way from bytes to events: whatever the record was written as, it comes out in its newest form.
   * Throws DecodeError. The writer must have been ensured.
   */
  readonly decode: (topic: TopicName, bytes: Buffer) => DomainEvent
  /** Type of an event once decoded, by the type it was written as; undefined when there is no such record. */
  readonly newestTypeOf: (storedType: string) => string | undefined
}

export type CodecOptions = RegistryOptions & {
  /** Topics that will be encoded, all by default; a service that only reads says [] and starts without a registry. */
  readonly writes?: readonly TopicName[]
  readonly catalogue?: EventCatalogue
}

/** Looks schemas up and never registers any; throws SchemaNotRegisteredError naming what `millrace setup` must do. */
export const connectCodec = (options: CodecOptions): Promise<Codec> =>
  makeCodec(connectRegistry(options), options.writes ?? topicNames, options.catalogue)

/** A working codec without a server, for unit tests and tools. */
export const makeInMemoryCodec = async (): Promise<Codec> => {
  const registry = makeInMemoryRegistry()
  await registerAll(registry, () => {})
  return makeCodec(registry, topicNames)
}

export const makeCodec = async (
  registry: SchemaRegistry,
  writes: readonly TopicName[],
  catalogue: EventCatalogue = shippedEvents(),
): Promise<Codec> => {
  const encode = await makeEncoder(registry, writes, catalogue)
  const { ensureWriters, decode } = makeDecoder(registry, catalogue)
  return {
    encode,
    writerIdOf,
    ensureWriters,
    decode,
    newestTypeOf: (storedType) => catalogue.get(storedType)?.newestType,
  }
}
