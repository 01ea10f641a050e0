/**
 * Encoding and decoding of one record (Kafka's record format v2, without its batch) for kafkajs, whose own costs 30 µs
 * to write and 10 µs to read once a record has a dozen headers: it allocates a zeroed kilobyte per header, and copies
 * the headers read so far for each next one. Everything unusual is left to the function of kafkajs that is replaced.
 *
 *   length attributes:int8 timestampDelta offsetDelta key value headerCount (name value)*
 *   every number is a zigzag varint, every text or bytes is its length and itself, and a length of -1 is null.
 */
type Bytes = string | Buffer | null | undefined

export type RawRecord = {
  readonly offsetDelta?: number
  readonly timestampDelta?: number
  readonly key?: Bytes
  readonly value?: Bytes
  readonly headers?: Readonly<Record<string, unknown>>
}

/** As much of kafkajs's Encoder as the batch that takes the record looks at. */
export type EncodedRecord = { readonly buf: Buffer; readonly buffer: Buffer }
export type RecordEncoder = (record: RawRecord) => EncodedRecord

export type RecordContext = {
  readonly firstOffset: string
  readonly firstTimestamp: string
  readonly maxTimestamp?: string
  readonly timestampType?: number
  readonly magicByte?: number
  readonly isControlBatch?: boolean
}
export type RecordDecoder = (decoder: { buffer: Buffer; offset: number }, context: RecordContext) => object

const LOG_APPEND_TIME = 1
const MAX_FAST_VARINT_BYTES = 7
const MAX_KNOWN_NAMES = 64

const zigzag = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1)

const sizeOfVarint = (value: number): number => {
  let size = 1
  for (let rest = zigzag(value); rest >= 128; rest = Math.floor(rest / 128)) size += 1
  return size
}

const lengthOf = (bytes: Bytes): number => {
  if (bytes === null || bytes === undefined) return -1
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
}

const sizeOfBytes = (length: number): number => sizeOfVarint(length) + Math.max(length, 0)

const writeVarint = (into: Buffer, value: number, at: number): number => {
  let offset = at
  let rest = zigzag(value)
  for (; rest >= 128; rest = Math.floor(rest / 128)) into[offset++] = (rest % 128) | 128
  into[offset] = rest
  return offset + 1
}

const writeBytes = (into: Buffer, bytes: Bytes, at: number): number => {
  const offset = writeVarint(into, lengthOf(bytes), at)
  if (bytes === null || bytes === undefined) return offset
  return offset + (typeof bytes === 'string' ? into.write(bytes, offset) : bytes.copy(into, offset))
}

const isBytes = (value: unknown): value is string | Buffer =>
  typeof value === 'string' || Buffer.isBuffer(value)

type Fields = { readonly delta: number; readonly place: number; readonly parts: readonly Bytes[] }

const sizeOfBody = ({ delta, place, parts }: Fields): number => {
  let size = 1 + sizeOfVarint(delta) + sizeOfVarint(place) + sizeOfVarint((parts.length - 2) / 2)
  for (const part of parts) size += sizeOfBytes(lengthOf(part))
  return size
}

const write = ({ delta, place, parts }: Fields): EncodedRecord => {
  const bodySize = sizeOfBody({ delta, place, parts })
  const buffer = Buffer.allocUnsafe(sizeOfVarint(bodySize) + bodySize)
  let offset = writeVarint(buffer, bodySize, 0)
  buffer[offset++] = 0
  offset = writeVarint(buffer, delta, offset)
  offset = writeVarint(buffer, place, offset)
  for (let index = 0; index < parts.length; index += 1) {
    if (index === 2) offset = writeVarint(buffer, (parts.length - 2) / 2, offset)
    offset = writeBytes(buffer, parts[index], offset)
  }
  if (parts.length === 2) writeVarint(buffer, 0, offset)
  return { buf: buffer, buffer }
}

export const makeRecordEncoder =
  (original: RecordEncoder): RecordEncoder =>
  (record) => {
    const { offsetDelta = 0, timestampDelta = 0, key, value, headers = {} } = record
    const parts: Bytes[] = [key, value]
    for (const name of Object.keys(headers)) {
      const content = headers[name]
      if (!isBytes(content)) return original(record)
      parts.push(name, content)
    }
    if (!Number.isSafeInteger(timestampDelta * 2)) return original(record)
    return write({ delta: timestampDelta, place: offsetDelta, parts })
  }

/** Reads what write wrote. NaN once a number is longer than what fits a double for sure. */
class RecordReader {
  readonly #bytes: Buffer
  #offset: number

  constructor(bytes: Buffer, offset: number) {
    this.#bytes = bytes
    this.#offset = offset
  }

  byte(): number {
    return this.#bytes[this.#offset++] ?? Number.NaN
  }

  varint(): number {
    let value = 0
    let factor = 1
    for (let count = 0; count < MAX_FAST_VARINT_BYTES; count += 1) {
      const byte = this.byte()
      value += (byte & 127) * factor
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      factor *= 128
    }
    return Number.NaN
  }

  bytes(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    this.#offset += length
    return this.#bytes.subarray(this.#offset - length, this.#offset)
  }

  /**
   * A header value: text where it is ASCII, which is a quarter of a Buffer's weight, else its bytes. Mostly the one of
   * the record before is not made anew.
   */
  text(known: string): string | Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    const start = this.#offset
    this.#offset += length
    if (this.#isText(known, start, length)) return known
    for (let index = start; index < this.#offset; index += 1)
      if ((this.#bytes[index] ?? 0) >= 128) return this.#bytes.subarray(start, this.#offset)
    return this.#bytes.toString('latin1', start, this.#offset)
  }

  /** The header name at this position; mostly the one of the record before, and then not made anew. */
  name(known: Buffer): Buffer {
    const length = this.varint()
    const start = this.#offset
    this.#offset += length
    return this.#isAt(known, start, length) ? known : this.#bytes.subarray(start, start + length)
  }

  #isText(known: string, start: number, length: number): boolean {
    if (known.length !== length) return false
    for (let index = 0; index < length; index += 1)
      if (known.charCodeAt(index) !== this.#bytes[start + index]) return false
    return true
  }

  #isAt(known: Buffer, start: number, length: number): boolean {
    if (known.length !== length) return false
    for (let index = 0; index < length; index += 1)
      if (known[index] !== this.#bytes[start + index]) return false
    return true
  }
}

type Headers = Record<string, Buffer | string | null>
type Name = { readonly bytes: Buffer; readonly text: string }

const NO_NAME: Name = { bytes: Buffer.alloc(0), text: '' }

/** Records of a topic have the same headers in the same order: names and texts of the record before are used again. */
const makeHeaderReader = () => {
  const names: Name[] = []
  const texts: string[] = []

  const nameAt = (reader: RecordReader, index: number): string => {
    const last = names[index] ?? NO_NAME
    const bytes = reader.name(last.bytes)
    if (bytes === last.bytes) return last.text
    const name = { bytes: Buffer.from(bytes), text: bytes.toString() }
    if (index < MAX_KNOWN_NAMES) names[index] = name
    return name.text
  }

  return (reader: RecordReader): Headers | null => {
    const headers: Headers = {}
    const count = reader.varint()
    for (let index = 0; index < count; index += 1) {
      const name = nameAt(reader, index)
      if (name in headers) return null
      const value = reader.text(texts[index] ?? '')
      if (typeof value === 'string' && index < MAX_KNOWN_NAMES) texts[index] = value
      headers[name] = value
    }
    return headers
  }
}

const timestampOf = (context: RecordContext, delta: number): string => {
  const { timestampType, maxTimestamp, firstTimestamp } = context
  if (timestampType === LOG_APPEND_TIME && maxTimestamp) return maxTimestamp
  return String(Number(firstTimestamp) + delta)
}

const isExact = (decimal: string): boolean => Number.isSafeInteger(Number(decimal) * 2)

export const makeRecordDecoder = (original: RecordDecoder): RecordDecoder => {
  const readHeaders = makeHeaderReader()
  return (decoder, context) => {
    const reader = new RecordReader(decoder.buffer, decoder.offset)
    const attributes = reader.byte()
    const delta = reader.varint()
    if (Number.isNaN(delta) || !isExact(context.firstOffset) || !isExact(context.firstTimestamp))
      return original(decoder, context)
    const offset = String(Number(context.firstOffset) + reader.varint())
    const key = reader.bytes()
    const value = reader.bytes()
    const headers = readHeaders(reader)
    if (headers === null) return original(decoder, context)
    const { magicByte, isControlBatch: isControlRecord = false } = context
    const timestamp = timestampOf(context, delta)
    return {
      magicByte,
      attributes,
      timestamp,
      offset,
      key,
      value,
      headers,
      isControlRecord,
      batchContext: context,
      // For read-chunk.ts; an object that grows later costs more.
      shared: undefined,
    }
  }
}

/** Ours reads header values that are ASCII as text: the same bytes. */
export const withBytes = (decoded: object): object => {
  const { shared: _, ...record } = { shared: undefined, ...decoded }
  const headers = 'headers' in decoded ? Object.entries(decoded.headers ?? {}) : []
  const inBytes = headers.map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'string' ? Buffer.from(value) : value,
  ])
  return { ...record, headers: Object.fromEntries(inBytes) as unknown }
}
