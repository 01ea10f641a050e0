import type { AnyTable } from '@millrace/domain'
import {
  DecodeError,
  readHead,
  toHeaders,
  toMessageKey,
  writerIdsOf,
  type Codec,
  type EventMetadata,
} from '@millrace/events'
import type { KafkaRecord, OutgoingMessage } from '@millrace/kafka'
import { newId } from '@millrace/runtime'
import type { Write } from './plan-pass.ts'

export type Writing = { readonly codec: Codec; readonly table: AnyTable }

export type WrittenMessages = { readonly messages: readonly OutgoingMessage[]; readonly unreadable: number }

/** A value that cannot be read is left out: what the snapshot has of the key stays until the next one. */
export const toMessages = async (
  { codec, table }: Writing,
  writes: readonly Write[],
): Promise<WrittenMessages> => {
  const values = writes.map(({ record }) => record?.value ?? null)
  await codec.ensureWriters(writerIdsOf(codec, values))
  const messages = writes.map((write) => toMessage({ codec, table }, write))
  const readable = messages.filter((message) => message !== undefined)
  return { messages: readable, unreadable: messages.length - readable.length }
}

const toMessage = (writing: Writing, { key, record }: Write): OutgoingMessage | undefined => {
  if (!record?.value) return { key, value: null, headers: {} }
  try {
    return toValue(writing, { record, value: record.value })
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

type Valued = { readonly record: KafkaRecord; readonly value: Buffer }

const toValue = ({ codec, table }: Writing, { record, value }: Valued): OutgoingMessage => {
  const { topic } = table
  const head = readHead({ ...record, topic })
  const { data: doc } = codec.decode(topic, value)
  const event = table.snapshot({
    ...{ _key: head.key, doc, _ts: head.occurredAt, _v: Number(record.offset) },
  })
  const { tenant, stream, version, occurredAt, correlationId, id: causationId } = head
  return {
    key: toMessageKey({ tenant, key: head.key }),
    value: codec.encode(table.snapshots, event),
    headers: headersOf({
      ...{ type: event.type, tenant, stream, version, occurredAt, correlationId, causationId },
    }),
  }
}

export type PassEnd = {
  readonly partition: number
  /** Of the source. */
  readonly nextOffset: number
  readonly incarnation: number
  readonly takenAt: number
}

/** Says that all before it is complete, and where to read on. */
export const toMarker = ({ codec, table }: Writing, end: PassEnd): OutgoingMessage => {
  const { topic, snapshots } = table
  const tenant = 'millrace'
  const key = `${topic}.${end.partition}`
  const type = 'SnapshotTaken'
  const correlationId = newId()
  return {
    key: toMessageKey({ tenant, key }),
    value: codec.encode(snapshots, { type, data: { topic, ...end } }),
    headers: headersOf({
      ...{ type, tenant, stream: `millrace.snapshot-${key}`, version: 0, occurredAt: end.takenAt },
      ...{ correlationId, causationId: correlationId },
    }),
  }
}

const headersOf = (
  metadata: Omit<EventMetadata, 'id' | 'actor' | 'sequence' | 'traceparent'>,
): Record<string, string> =>
  toHeaders({ ...metadata, id: newId(), actor: 'compactor', sequence: null, traceparent: null })
