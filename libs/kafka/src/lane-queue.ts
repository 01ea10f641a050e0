import type { KafkaRecord } from './lane-source.ts'

/** What one fetch brought for one partition. */
export type FetchedChunk = {
  readonly fetchedOffset: bigint
  /** One past the last offset that the fetch covered: beyond its last record when later ones were compacted away. */
  readonly endOffset: bigint
  readonly highWatermark: bigint
  readonly records: readonly KafkaRecord[]
  /** Of each record, with a flat sum for its objects. */
  readonly sizes: readonly number[]
  readonly bytes: number
  /** Not the continuation of the chunk before: it may start at any offset, lower ones included. */
  readonly isJump: boolean
}

export type Taken = {
  /** None when the offsets up to `endOffset` hold nothing visible. */
  readonly records: readonly KafkaRecord[]
  /** Everything below is done once the records are. */
  readonly endOffset: bigint
}

export type BatchLimits = { readonly maxBatchRecords: number; readonly maxBatchBytes: number }

type Room = { records: number; bytes: number }

/** First in, first out, by chunk; taken by batch. Counts bytes, since records differ in size by orders of magnitude. */
export type LaneQueue = {
  put(chunk: FetchedChunk): void
  /** Offsets up to `endOffset` hold nothing visible. */
  putInvisible(endOffset: bigint): void
  /** What comes next from `fromOffset` on, at least one record however large; null when nothing is queued. */
  take(fromOffset: bigint, limits: BatchLimits): Taken | null
  clear(): void
  bytes(): number
  records(): number
}

class ChunkQueue implements LaneQueue {
  #chunks: FetchedChunk[] = []
  /** Records of the first chunk that are gone. */
  #head = 0
  #bytes = 0
  #records = 0

  bytes = (): number => this.#bytes
  records = (): number => this.#records

  put(chunk: FetchedChunk): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.bytes
    this.#records += chunk.records.length
  }

  putInvisible(endOffset: bigint): void {
    const nothing = { records: [], sizes: [], bytes: 0, isJump: false }
    this.put({ ...nothing, fetchedOffset: endOffset, endOffset, highWatermark: endOffset })
  }

  take(fromOffset: bigint, limits: BatchLimits): Taken | null {
    const records: KafkaRecord[] = []
    const room = { records: limits.maxBatchRecords, bytes: limits.maxBatchBytes }
    let endOffset: bigint | null = null
    let done = 0
    for (const chunk of this.#chunks) {
      if (chunk.isJump && records.length > 0) break
      this.#skipBelow(chunk, chunk.isJump ? chunk.fetchedOffset : fromOffset)
      this.#move(chunk, records, room)
      const next = chunk.records[this.#head]
      endOffset = next === undefined ? chunk.endOffset : next.offset
      if (next !== undefined) break
      done += 1
      this.#head = 0
    }
    this.#chunks = this.#chunks.slice(done)
    return endOffset === null ? null : { records, endOffset }
  }

  clear(): void {
    this.#chunks = []
    this.#head = 0
    this.#bytes = 0
    this.#records = 0
  }

  #skipBelow(chunk: FetchedChunk, fromOffset: bigint): void {
    for (let record = chunk.records[this.#head]; record; record = chunk.records[this.#head]) {
      if (record.offset >= fromOffset) return
      this.#drop(chunk.sizes[this.#head] ?? 0)
    }
  }

  #move(chunk: FetchedChunk, into: KafkaRecord[], room: Room): void {
    for (let record = chunk.records[this.#head]; record; record = chunk.records[this.#head]) {
      const size = chunk.sizes[this.#head] ?? 0
      const isTooMuch = into.length > 0 && size > room.bytes
      if (room.records === 0 || isTooMuch) return
      room.records -= 1
      room.bytes -= size
      into.push(record)
      this.#drop(size)
    }
  }

  #drop(size: number): void {
    this.#bytes -= size
    this.#records -= 1
    this.#head += 1
  }
}

export const makeLaneQueue = (): LaneQueue => new ChunkQueue()
