import { toHeaders, toMessageKey, type Codec, type DocumentChanged, type MessageKey } from '@millrace/events'
import type { OutgoingMessage } from '@millrace/kafka'
import type { Change } from '@millrace/mongo'
import type { Feed } from './feed.ts'

/** A change of a document that has a key, and how it was found. */
export type FoundChange = Omit<Change, 'key'> & { readonly key: MessageKey } & Pick<DocumentChanged, 'origin'>

/** Bytes name the schema, not the subject: those for this topic are right for all of its kind. */
const ENCODED_FOR = 'processes.changed'

/** Dots and dashes have a meaning in streams. */
const categoryOf = ({ name }: Feed): string => `changes.${name.replaceAll(/[.\s-]/g, '_')}`

export const toMessage = (
  { encode }: Pick<Codec, 'encode'>,
  feed: Feed,
  { id, atMs, key: { tenant, key }, operation, origin, before, after }: FoundChange,
): OutgoingMessage => {
  const data = { source: feed.name, key, operation, origin, changedAt: atMs, before, after }
  return {
    key: toMessageKey({ tenant, key }),
    value: encode(ENCODED_FOR, { type: 'DocumentChanged', data }),
    headers: toHeaders({
      ...{ id, type: 'DocumentChanged', tenant, stream: `${categoryOf(feed)}-${key}`, version: 0 },
      ...{ occurredAt: atMs, correlationId: id, causationId: id, actor: 'changefeed' },
      ...{ sequence: null, traceparent: null },
    }),
  }
}
