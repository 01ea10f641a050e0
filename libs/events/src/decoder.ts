import type avro from 'avsc'
import { compileType } from './avro-types.ts'
import { DecodeError, type DecodeErrorCode } from './errors.ts'
import type { EventCatalogue, StoredForm } from './event-catalogue.ts'
import type { DomainEvent } from './recorded-event.ts'
import type { RegisteredSchema, SchemaRegistry } from './schema-registry.ts'
import { shippedEvents } from './shipped-events.ts'
import type { TopicName } from './topics.ts'
import { upcastData } from './upcast-data.ts'
import { wireHeaderBytes, writerIdOf } from './wire-format.ts'

/**
 * Decoding never waits. Per writer id the decoder keeps what reading needs: which record it is, our own
 * (reader) type of it, and the resolver between the two, which is costly to make and therefore made once.
 *
 * An older version of a record is resolved by Avro; a former record is read as it was written and then upcast.
 * What comes out has the newest form either way.
 *
 * ids become known through ensureWriters:
 *
 *   (none) ──ensure──► readable                   kept for ever: a registry never changes an id's schema
 *                 ├──► unreadable                 kept for ever: not Avro, no event of ours, or incompatible
 *                 └──► missing ──ensure──► …      the registry said 404; asked again by the next ensure
 */
type WriterState = Readable | Unreadable | { readonly type: 'missing' }
type Readable = {
  readonly type: 'readable'
  readonly form: StoredForm
  /** Absent when the writer's schema is the reader's. */
  readonly resolver: Resolver | undefined
}
type Unreadable = { readonly type: 'unreadable'; readonly code: DecodeErrorCode; readonly reason: string }
type Resolver = ReturnType<avro.Type['createResolver']>

export type Decoder = {
  readonly ensureWriters: (ids: Iterable<number>) => Promise<void>
  readonly decode: (topic: TopicName, bytes: Buffer) => DomainEvent
}

export const makeDecoder = (
  registry: Pick<SchemaRegistry, 'schemaOf'>,
  catalogue: EventCatalogue = shippedEvents(),
): Decoder => {
  const writers = new Map<number, WriterState>()
  const loading = new Map<number, Promise<void>>()

  const load = async (id: number): Promise<void> => {
    const schema = await registry.schemaOf(id)
    writers.set(id, schema === null ? { type: 'missing' } : toWriterState(schema, catalogue))
  }
  // Callers of the same id share one request.
  const ensure = (id: number): Promise<void> => {
    const request = loading.get(id) ?? load(id).finally(() => loading.delete(id))
    loading.set(id, request)
    return request
  }

  return {
    ensureWriters: async (ids) => {
      for (const id of new Set(ids)) {
        const state = writers.get(id)
        if (state === undefined || state.type === 'missing') await ensure(id)
      }
    },
    decode: (topic, bytes) => {
      const id = writerIdOf(bytes)
      const writer = writers.get(id)
      if (writer?.type !== 'readable') throw notReadable(id, writer)
      const { form } = writer
      if (!form.topics.includes(topic)) {
        throw new DecodeError({
          code: 'wrong-subject',
          message: `${form.type} (schema ${id}) is no record of ${topic}`,
        })
      }
      const stored = decodeBody(bytes, writer)
      const data = form.upcasts.length === 0 ? stored : upcastData(form, stored)
      // The pair comes from one schema, which is what this type says.
      return { type: form.newestType, data } as DomainEvent
    },
  }
}

const decodeBody = (bytes: Buffer, writer: Readable): unknown => {
  const { value, offset } = readBody(bytes, writer)
  if (offset === bytes.length) return value
  const code = offset < 0 ? 'truncated' : 'trailing-bytes'
  const problem = offset < 0 ? 'the bytes end early' : `${bytes.length - offset} bytes are left over`
  throw new DecodeError({ code, message: `${writer.form.type}: ${problem}` })
}

const readBody = (bytes: Buffer, { form, resolver }: Readable): { value: unknown; offset: number } => {
  try {
    return form.avroType.decode(bytes, wireHeaderBytes, resolver)
  } catch (cause) {
    throw new DecodeError({ code: 'invalid', message: `${form.type}: ${messageOf(cause)}`, cause })
  }
}

const notReadable = (id: number, writer: Unreadable | { type: 'missing' } | undefined): Error => {
  // Not a fault of the record, so not a DecodeError: that would park a healthy event.
  if (writer === undefined) return new Error(`writer schema ${id} was never ensured`)
  if (writer.type === 'unreadable') return new DecodeError({ code: writer.code, message: writer.reason })
  return new DecodeError({ code: 'unknown-schema', message: `the registry knows no schema ${id}` })
}

const toWriterState = (
  { format, text }: RegisteredSchema,
  catalogue: EventCatalogue,
): Readable | Unreadable => {
  if (format !== 'AVRO')
    return { type: 'unreadable', code: 'wrong-subject', reason: `written as ${format}, not Avro` }
  try {
    return matchReader(compileType(JSON.parse(text)), catalogue)
  } catch (cause) {
    return { type: 'unreadable', code: 'invalid', reason: `unusable writer schema: ${messageOf(cause)}` }
  }
}

const matchReader = (writer: avro.Type, catalogue: EventCatalogue): Readable | Unreadable => {
  for (const form of catalogue.values()) {
    const reader = form.avroType
    if (reader.name !== writer.name) continue
    const resolver = reader.equals(writer) ? undefined : reader.createResolver(writer)
    return { type: 'readable', form, resolver }
  }
  return {
    type: 'unreadable',
    code: 'wrong-subject',
    reason: `${writer.name ?? 'an unnamed schema'} is no event type`,
  }
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
