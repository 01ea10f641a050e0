import type { OutgoingMessage } from '@millrace/kafka'
import type { OutboxRow } from '@millrace/mongo'

/** Names the message: the same in every repeat of it. */
export const OUTBOX_ID = 'outbox_id'
/** Rises with each message of a key: what is not above the last one is a repeat. */
export const OUTBOX_NUMBER = 'outbox_number'

export const toOutgoing = ({ id, key, number, payload, headers, addedAt }: OutboxRow): OutgoingMessage => ({
  key,
  value: payload,
  headers: { ...headers, [OUTBOX_ID]: id, [OUTBOX_NUMBER]: String(number) },
  timestamp: addedAt.getTime(),
})
