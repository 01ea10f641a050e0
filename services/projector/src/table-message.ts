import type { AnyTable, Document } from '@millrace/domain'
import { parseMessageKey, toHeaders, type Codec } from '@millrace/events'
import type { OutboxMessage } from '@millrace/mongo'
import { newId } from '@millrace/runtime'

export type Reading = { readonly codec: Codec; readonly table: AnyTable }

/** `atMs`: the topic's time by which it was so. */
type Changed = { readonly id: string; readonly state: Document | null; readonly atMs: number }

/** What publishes a state; a tombstone for one that is no more. */
export const toMessage = ({ codec, table }: Reading, { id, state, atMs }: Changed): OutboxMessage => {
  const { topic } = table
  if (state === null) return { topic, key: id, payload: null }
  const { tenant, key } = parseMessageKey(id)
  const event = table.publish(state)
  const eventId = newId()
  const headers = toHeaders({
    ...{ id: eventId, type: event.type, tenant, stream: `${table.category}-${key}`, version: 0 },
    ...{ occurredAt: atMs, correlationId: eventId, causationId: eventId, actor: table.name },
    ...{ sequence: null, traceparent: null },
  })
  return { topic, key: id, payload: codec.encode(topic, event), headers }
}
