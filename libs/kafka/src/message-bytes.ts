import type { OutgoingMessage } from './partition-send.ts'

/** Numbers, times and lengths that a record has around its key, value and headers, and a header around its own. */
const RECORD_BYTES = 36
const HEADER_BYTES = 10

/** What a message takes of an uncompressed batch, at most; the batch itself takes 61 bytes more. */
export const messageBytes = ({ key, value, headers }: OutgoingMessage): number =>
  Object.entries(headers).reduce(
    (sum, [name, text]) => sum + HEADER_BYTES + Buffer.byteLength(name) + Buffer.byteLength(text),
    RECORD_BYTES + Buffer.byteLength(key) + (value?.length ?? 0),
  )
