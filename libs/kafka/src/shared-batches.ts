/**
 * Record batches that several consumers of this process read are decoded once. Each consumer group fetches a partition for
 * itself, and Kafka gives all of them the very bytes that were written; to decode them costs more than to fetch them.
 *
 * A batch is known by all of its bytes, so nothing need be known of topics or clusters. The last MAX_SHARED_BYTES are
 * kept: groups that are further apart than that decode for themselves, and the one behind, which finds everything
 * decoded, comes nearer by itself. With one consumer nothing is kept.
 */

/** As much of kafkajs's Decoder as is used here. */
export type BytesDecoder = { readonly buffer: Buffer; readonly offset: number; forward(bytes: number): void }
export type BatchDecoder = (decoder: BytesDecoder) => Promise<object>

/**
 * Of batches as Kafka keeps them. Ours are not compressed; decoded, with what their readers keep with the records, they
 * take some eight times as much, until as many others have come.
 */
export const MAX_SHARED_BYTES = 16 * 1024 * 1024

/** Of format v2: https://kafka.apache.org/documentation/#recordbatch. The header has the checksum of what follows it. */
const HEADER_BYTES = 61
const LENGTH_AT = 8
const BEFORE_LENGTH_ENDS = 12

type Decoded = { readonly bytes: Buffer; readonly batch: Promise<object> }

export class SharedBatches {
  readonly #maxBytes: number
  readonly #decoded = new Map<string, Decoded>()
  #bytes = 0
  #consumers = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  isShared = (): boolean => this.#consumers > 1

  enter(): void {
    this.#consumers += 1
  }

  leave(): void {
    this.#consumers -= 1
    if (!this.isShared()) this.#clear()
  }

  /** What `decode` makes of these bytes. */
  decode(bytes: Buffer, decode: (own: Buffer) => Promise<object>): Promise<object> {
    if (!this.isShared()) return decode(bytes)
    const name = bytes.toString('latin1', 0, HEADER_BYTES)
    const known = this.#decoded.get(name)
    if (known?.bytes.equals(bytes)) return known.batch
    // Else the records would keep the whole answer to a fetch, which is ten times as large.
    const own = Buffer.allocUnsafeSlow(bytes.length)
    bytes.copy(own)
    const batch = decode(own)
    this.#keep(name, { bytes: own, batch })
    batch.catch(() => this.#drop(name))
    return batch
  }

  #keep(name: string, decoded: Decoded): void {
    this.#drop(name)
    this.#decoded.set(name, decoded)
    this.#bytes += decoded.bytes.length
    for (const oldest of this.#decoded.keys()) {
      if (this.#bytes <= this.#maxBytes) return
      this.#drop(oldest)
    }
  }

  #drop(name: string): void {
    this.#bytes -= this.#decoded.get(name)?.bytes.length ?? 0
    this.#decoded.delete(name)
  }

  #clear(): void {
    this.#decoded.clear()
    this.#bytes = 0
  }
}

/** Of this process, as kafkajs is. */
export const sharedBatches = new SharedBatches(MAX_SHARED_BYTES)

/** The bytes of the batch that comes next; null when they are not all there. */
const nextBatch = ({ buffer, offset }: BytesDecoder): Buffer | null => {
  if (buffer.length < offset + BEFORE_LENGTH_ENDS) return null
  const end = offset + BEFORE_LENGTH_ENDS + buffer.readInt32BE(offset + LENGTH_AT)
  return end >= offset + HEADER_BYTES && end <= buffer.length ? buffer.subarray(offset, end) : null
}

export const makeBatchDecoder =
  (batches: SharedBatches, decoderOf: (bytes: Buffer) => BytesDecoder) =>
  (original: BatchDecoder): BatchDecoder =>
  (decoder) => {
    const bytes = nextBatch(decoder)
    if (bytes === null) return original(decoder)
    decoder.forward(bytes.length)
    return batches.decode(bytes, (own) => original(decoderOf(own)))
  }
