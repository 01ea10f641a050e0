/**
 * The fetching side of a lane: what has come, whether it continues what came before, and when to fetch no more.
 *
 * Memory of a lane: at most maxQueuedBytesPerLane, or its share of MAX_QUEUED_BYTES, plus the one fetch that went over
 * it (1 MiB, or a single larger record batch), plus the batch in hand, which is as large at most. Of a connection: twice
 * MAX_QUEUED_BYTES, plus 1 MiB for each lane, plus one answer of 10 MiB per broker and consumer while it is decoded.
 */
import type { Logger } from '@millrace/runtime'
import type { LaneEvent } from './consumer-event.ts'
import { type FetchPosition, fetchFrom, judgeFetch, skipInvisible } from './fetch-position.ts'
import type { LaneLimits } from './lane-limits.ts'
import { type FetchedChunk, type LaneQueue, type Taken, makeLaneQueue } from './lane-queue.ts'
import type { TopicPartition } from './lane-source.ts'

/** What a lane may ask of the fetch loop, for its own partition. */
export type LaneFetching = {
  pause(): void
  resume(): void
  seek(offset: bigint): void
}

export type IntakeDeps = TopicPartition & {
  readonly limits: LaneLimits
  /** Of what all lanes of the connection may queue, in bytes; changes with their number. */
  readonly share: () => number
  readonly fetching: LaneFetching
  readonly logger: Logger
  readonly onEvent: (event: LaneEvent) => void
}

/** A lane's partition is paused until `start`, and again from `stop`. */
export class LaneIntake {
  readonly #deps: IntakeDeps
  readonly #queue: LaneQueue = makeLaneQueue()
  #position: FetchPosition = fetchFrom(0n)
  #state: 'closed' | 'fetching' | 'full' = 'closed'

  constructor(deps: IntakeDeps) {
    this.#deps = deps
  }

  queuedBytes = (): number => this.#queue.bytes()
  queuedRecords = (): number => this.#queue.records()

  start(fromOffset: bigint): void {
    this.#queue.clear()
    this.#position = fetchFrom(fromOffset)
    this.#state = 'fetching'
    this.#deps.fetching.seek(fromOffset)
    this.#deps.fetching.resume()
  }

  stop(): void {
    this.pause()
    this.#queue.clear()
  }

  /** Keeps what is queued. */
  pause(): void {
    if (this.#state === 'fetching') this.#deps.fetching.pause()
    this.#state = 'closed'
  }

  accept(chunk: FetchedChunk): void {
    if (this.#state === 'closed') return
    const verdict = judgeFetch(this.#position, chunk)
    this.#position = verdict.position
    switch (verdict.type) {
      case 'refetch':
        return this.#deps.fetching.seek(verdict.position.expected)
      case 'jumped':
        this.#reportJump(verdict.expected, chunk.fetchedOffset)
        return this.#put({ ...chunk, isJump: true })
      case 'continues':
        return this.#put(chunk)
    }
  }

  /** A fetch brought nothing visible up to here. */
  skipInvisible(endOffset: bigint): void {
    if (this.#state === 'closed') return
    this.#position = skipInvisible(this.#position, endOffset)
    this.#queue.putInvisible(endOffset)
  }

  take(fromOffset: bigint): Taken | null {
    const { maxBatchRecords, maxBatchBytes } = this.#deps.limits
    const limits = { maxBatchRecords, maxBatchBytes: Math.min(maxBatchBytes, this.#maxQueuedBytes()) }
    const taken = this.#queue.take(fromOffset, limits)
    const queuedBytes = this.#queue.bytes()
    if (this.#state === 'full' && queuedBytes < this.#maxQueuedBytes() / 2) {
      this.#state = 'fetching'
      this.#deps.fetching.resume()
      this.#deps.onEvent({ type: 'fetch-resumed', queuedBytes })
    }
    return taken
  }

  #maxQueuedBytes(): number {
    return Math.min(this.#deps.limits.maxQueuedBytesPerLane, this.#deps.share())
  }

  #put(chunk: FetchedChunk): void {
    this.#queue.put(chunk)
    const queuedBytes = this.#queue.bytes()
    if (this.#state !== 'fetching' || queuedBytes <= this.#maxQueuedBytes()) return
    this.#state = 'full'
    this.#deps.fetching.pause()
    this.#deps.onEvent({ type: 'fetch-paused', queuedBytes })
  }

  #reportJump(expectedOffset: bigint, actualOffset: bigint): void {
    const { logger, topic, partition, onEvent } = this.#deps
    const offsets = { expectedOffset: expectedOffset.toString(), actualOffset: actualOffset.toString() }
    logger.warn({ topic, partition, ...offsets }, 'Kafka no longer has the expected offset')
    onEvent({ type: 'jumped', expectedOffset, actualOffset })
  }
}
