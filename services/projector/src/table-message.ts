import type { AnyTable, Document } from '@millrace/domain'
import { parseMessageKey, toHeaders, type Codec } from '@millrace/events'
import type { OutboxMessage } from '@millrace/mongo'
import { newId } from '@millrace/runtime'

export type Reading = { readonly codec: Codec; readonly table: AnyTable }

type Changed = {
  readonly id: string
  readonly state: Document | null
  /** The sequence that the state was written with: which state it is, for those who wait for one. */
  readonly version: number
  /** The topic's time by which it was so. */
  readonly atMs: number
}

/** What publishes a state; a tombstone for one that is no more. */
export const toMessage = (
  { codec, table }: Reading,
  { id, state, version, atMs }: Changed,
): OutboxMessage => {
  const { topic } = table
  if (state === null) return { topic, key: id, payload: null }
  const { tenant, key } = parseMessageKey(id)
  const event = table.publish(state)
  const eventId = newId()
  const headers = toHeaders({
    ...{ id: eventId, type: event.type, tenant, stream: `${table.category}-${key}`, version },
    ...{ occurredAt: atMs, correlationId: eventId, causationId: eventId, actor: table.name },
    ...{ sequence: null, traceparent: null },
  })
  return { topic, key: id, payload: codec.encode(topic, event), headers }
}
