/** Record key and the headers that every event has, at their longest. */
const OVERHEAD_BYTES = 2 * 1024
/** `ce_`, and lengths, of a header. */
const HEADER_BYTES = 16

/** What an event takes on Kafka, at most: the door and the relay have to agree, or it could never be published. */
export const publishedBytes = (event: {
  readonly bytes: Uint8Array
  readonly metadata?: Readonly<Record<string, string>>
}): number =>
  Object.entries(event.metadata ?? {}).reduce(
    (sum, [name, value]) => sum + HEADER_BYTES + name.length + Buffer.byteLength(value),
    event.bytes.length + OVERHEAD_BYTES,
  )
