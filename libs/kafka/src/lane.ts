/** Carries out what lane-state.ts decides, for one partition of one generation. */
import { messageOf } from '@millrace/runtime'
import { type IntakeDeps, LaneIntake } from './lane-intake.ts'
import type { FetchedChunk, Taken } from './lane-queue.ts'
import type { KafkaRecord, LaneOutcome, LaneSession, LaneSource, TopicPartition } from './lane-source.ts'
import {
  type LaneEffect,
  type LaneInput,
  type LaneState,
  firstStep,
  isFlowing,
  stepLane,
} from './lane-state.ts'

export type LaneDeps = IntakeDeps & {
  readonly source: LaneSource
  /** Settles when the former lane of this partition in this process has let go, or has been given up on. */
  readonly predecessorGone: Promise<unknown>
  readonly onDone: (nextOffset: bigint) => void
  readonly now: () => number
}

export type LaneStatus = TopicPartition & {
  readonly state: LaneState
  /** Null until the source has said it. */
  readonly nextOffset: bigint | null
  readonly queuedRecords: number
  readonly queuedBytes: number
  readonly highWatermark: bigint | null
  /** Null until both are known. */
  readonly lag: bigint | null
  readonly lastProgressAtMs: number
}

export type Lane = {
  readonly topic: string
  readonly partition: number
  enqueue(chunk: FetchedChunk): void
  /** A fetch brought nothing visible up to here. */
  skipInvisible(endOffset: bigint): void
  hearHeartbeat(sentAtMs: number): void
  hearEndOffset(endOffset: bigint): void
  status(): LaneStatus
  /** Hands nothing more over, waits for the call in flight and what it has done, then closes. */
  drain(): Promise<void>
  /** Takes effect at once; resolves when the call in flight has come back and the session is closed. */
  close(): Promise<void>
}

const lagOf = (end: bigint | null, next: bigint | null): bigint | null => {
  if (end === null || next === null) return null
  return end > next ? end - next : 0n
}

const restOf = (records: readonly KafkaRecord[], nextOffset: bigint): readonly KafkaRecord[] => {
  const last = records.at(-1)
  return last === undefined || last.offset < nextOffset
    ? []
    : records.filter(({ offset }) => offset >= nextOffset)
}

/** "Applied" without having applied even the first record would hand the same records over for ever. */
const assertProgress = (outcome: LaneOutcome, records: readonly KafkaRecord[]): LaneOutcome => {
  const first = records[0]
  if (outcome.type !== 'applied' || first === undefined || outcome.nextOffset > first.offset) return outcome
  return { type: 'stopped', reason: `apply made no progress at offset ${first.offset}` }
}

class PartitionLane implements Lane {
  readonly topic: string
  readonly partition: number
  readonly #deps: LaneDeps
  readonly #intake: LaneIntake
  #state: LaneState = firstStep.state
  #session: LaneSession | null = null
  #inHand: Taken | null = null
  #isApplying = false
  /** Records below are not handed over. */
  #appliedTo = 0n
  /** Like it, and beyond invisible records: what is committed, and what lag is counted from. */
  #doneTo: bigint | null = null
  #highWatermark: bigint | null = null
  #lastProgressAtMs: number
  #timer: NodeJS.Timeout | undefined
  #opening: Promise<void> = Promise.resolve()
  #applying: Promise<void> = Promise.resolve()
  #lettingGo: Promise<void> = Promise.resolve()

  constructor(deps: LaneDeps) {
    this.topic = deps.topic
    this.partition = deps.partition
    this.#deps = deps
    this.#intake = new LaneIntake(deps)
    this.#lastProgressAtMs = deps.now()
    for (const effect of firstStep.effects) this.#carryOut(effect)
  }

  enqueue(chunk: FetchedChunk): void {
    if (!isFlowing(this.#state)) return
    this.#highWatermark = chunk.highWatermark
    this.#intake.accept(chunk)
    this.#pump()
  }

  skipInvisible(endOffset: bigint): void {
    if (!isFlowing(this.#state)) return
    this.#intake.skipInvisible(endOffset)
    this.#pump()
  }

  hearHeartbeat(sentAtMs: number): void {
    this.#step({ type: 'heartbeat', sentAtMs })
  }

  hearEndOffset(endOffset: bigint): void {
    this.#highWatermark = endOffset
  }

  status(): LaneStatus {
    const lag = lagOf(this.#highWatermark, this.#doneTo)
    return {
      topic: this.topic,
      partition: this.partition,
      state: this.#state,
      nextOffset: this.#doneTo,
      queuedRecords: this.#intake.queuedRecords() + (this.#inHand?.records.length ?? 0),
      queuedBytes: this.#intake.queuedBytes(),
      highWatermark: this.#highWatermark,
      lag,
      lastProgressAtMs: lag === 0n ? this.#deps.now() : this.#lastProgressAtMs,
    }
  }

  async drain(): Promise<void> {
    this.#step({ type: 'drain' })
    this.#intake.pause()
    await this.#applying
    await this.close()
  }

  async close(): Promise<void> {
    this.#step({ type: 'closed' })
    await Promise.all([this.#opening, this.#lettingGo])
  }

  #step(input: LaneInput): void {
    const before = this.#state.type
    const { state, effects } = stepLane(this.#state, input)
    this.#state = state
    if (state.type !== before) this.#deps.onEvent({ type: 'lane-changed', state })
    for (const effect of effects) this.#carryOut(effect)
  }

  #carryOut(effect: LaneEffect): void {
    switch (effect.type) {
      case 'open':
        this.#after(effect.afterMs, () => {
          this.#opening = this.#open()
        })
        return
      case 'consume':
        return this.#consume(effect.fromOffset)
      case 'advance':
        return this.#advance(effect.nextOffset)
      case 'apply-again':
        return this.#after(effect.afterMs, () => this.#applyInHand())
      case 'let-go':
        return this.#letGo()
    }
  }

  #after(ms: number, act: () => void): void {
    clearTimeout(this.#timer)
    if (ms === 0) return act()
    this.#timer = setTimeout(act, ms)
  }

  async #open(): Promise<void> {
    const { source, predecessorGone, logger, topic, partition } = this.#deps
    await predecessorGone
    await this.#lettingGo
    if (this.#state.type !== 'opening') return
    try {
      const session = await source.open({ topic, partition })
      await this.#takeSession(session)
    } catch (error) {
      logger.warn({ topic, partition, error: messageOf(error) }, 'partition could not be claimed yet')
      this.#showLife()
      this.#step({ type: 'open-failed' })
    }
  }

  async #takeSession(session: LaneSession): Promise<void> {
    if (this.#state.type !== 'opening') return this.#closeSession(session)
    this.#session = session
    this.#step({ type: 'opened', nextOffset: session.nextOffset })
  }

  #consume(fromOffset: bigint): void {
    this.#appliedTo = fromOffset
    this.#intake.start(fromOffset)
    this.#done(fromOffset)
  }

  /** Hands over all that is queued, up to the limits: under load batches grow by themselves. */
  #pump(): void {
    while (this.#state.type === 'running' && !this.#isApplying) {
      this.#inHand ??= this.#intake.take(this.#appliedTo)
      if (this.#inHand === null) return
      if (this.#inHand.records.length > 0) return this.#applyInHand()
      this.#doneInvisible(this.#inHand.endOffset)
      this.#inHand = null
    }
  }

  #applyInHand(): void {
    if (this.#session === null || this.#inHand === null) return
    this.#isApplying = true
    this.#applying = this.#apply(this.#session, this.#inHand.records)
  }

  async #apply(session: LaneSession, records: readonly KafkaRecord[]): Promise<void> {
    const startedAtMs = this.#deps.now()
    const input = await this.#callApply(session, records)
    this.#isApplying = false
    const atMs = this.#deps.now()
    const last = records.at(-1)
    if (input.type === 'answered' && input.outcome.type === 'applied' && last !== undefined)
      this.#deps.onEvent({
        type: 'applied',
        records: records.length,
        durationMs: atMs - startedAtMs,
        lastTimestamp: last.timestamp,
      })
    this.#step(input)
  }

  async #callApply(session: LaneSession, records: readonly KafkaRecord[]): Promise<LaneInput> {
    try {
      const outcome = await session.apply(records)
      return { type: 'answered', outcome: assertProgress(outcome, records), atMs: this.#deps.now() }
    } catch (error) {
      const { logger, topic, partition } = this.#deps
      const offset = records[0]?.offset.toString()
      logger.warn({ topic, partition, offset, error: messageOf(error) }, 'records will be applied again')
      this.#showLife()
      return { type: 'apply-failed', error: messageOf(error) }
    }
  }

  #advance(nextOffset: bigint): void {
    const { records = [], endOffset = nextOffset } = this.#inHand ?? {}
    const rest = restOf(records, nextOffset)
    this.#appliedTo = nextOffset
    this.#inHand = rest.length > 0 ? { records: rest, endOffset } : null
    this.#done(rest.length > 0 || nextOffset > endOffset ? nextOffset : endOffset)
    this.#pump()
  }

  #doneInvisible(endOffset: bigint): void {
    if (this.#doneTo === null || endOffset > this.#doneTo) this.#done(endOffset)
  }

  /** A try that came back with a failure is life too: a restart does not cure an outage. A try that hangs is not. */
  #showLife(): void {
    this.#lastProgressAtMs = this.#deps.now()
  }

  #done(nextOffset: bigint): void {
    this.#doneTo = nextOffset
    this.#lastProgressAtMs = this.#deps.now()
    this.#deps.onDone(nextOffset)
  }

  #letGo(): void {
    clearTimeout(this.#timer)
    this.#intake.stop()
    this.#inHand = null
    const session = this.#session
    this.#session = null
    if (session) this.#lettingGo = this.#applying.then(() => this.#closeSession(session))
  }

  async #closeSession(session: LaneSession): Promise<void> {
    try {
      await session.close()
    } catch (error) {
      const { logger, topic, partition } = this.#deps
      logger.warn({ topic, partition, error: messageOf(error) }, 'session did not close cleanly')
    }
  }
}

/** One partition of one generation; starts by claiming it. */
export const makeLane = (deps: LaneDeps): Lane => new PartitionLane(deps)
