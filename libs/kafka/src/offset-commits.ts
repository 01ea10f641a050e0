/**
 * Tells Kafka how far the lanes are, for those who watch the group's lag: the truth is the source's checkpoint, and
 * nothing is ever resumed from here. So a commit that fails is only reported.
 *
 * Commits go through the handle of a fetched batch, not through the consumer: kafkajs repeats the consumer's commits
 * under whatever generation holds by then, and so could set back a partition that somebody else owns meanwhile. The
 * handle tries once, under the generation of the call; `newGeneration` drops what belonged to the one before.
 */
import { messageOf, type Logger } from '@millrace/runtime'
import type { ConsumerEvent } from './consumer-event.ts'
import type { TopicPartition } from './lane-source.ts'

type TopicOffsets = { topic: string; partitions: { partition: number; offset: string }[] }
export type CommitHandle = (offsets: { topics: TopicOffsets[] }) => Promise<void>
type CommittedOffset = TopicPartition & { readonly offset: bigint }

export type CommitDeps = {
  readonly everyMs: number
  readonly logger: Logger
  readonly onEvent: (event: ConsumerEvent) => void
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

const groupByTopic = (offsets: readonly CommittedOffset[]): TopicOffsets[] => {
  const byTopic = Map.groupBy(offsets, ({ topic }) => topic)
  return [...byTopic].map(([topic, group]) => ({
    topic,
    partitions: group.map(({ partition, offset }) => ({ partition, offset: offset.toString() })),
  }))
}

export class OffsetCommits {
  readonly #deps: CommitDeps
  #pending = new Map<string, CommittedOffset>()
  #handle: CommitHandle | null = null
  #timer: NodeJS.Timeout | undefined
  #underWay: Promise<void> = Promise.resolve()
  #generation = 0

  constructor(deps: CommitDeps) {
    this.#deps = deps
  }

  useHandle(handle: CommitHandle): void {
    this.#handle = handle
    if (this.#pending.size > 0) this.#schedule()
  }

  note(offset: CommittedOffset): void {
    this.#pending.set(keyOf(offset), offset)
    if (this.#handle) this.#schedule()
  }

  newGeneration(): void {
    this.#generation += 1
    this.#pending.clear()
    this.#handle = null
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Commits what is noted, now. Never rejects. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const generation = this.#generation
    this.#underWay = this.#underWay.then(() => this.#commit(generation))
    return this.#underWay
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.flush(), this.#deps.everyMs)
  }

  async #commit(generation: number): Promise<void> {
    if (generation !== this.#generation || this.#pending.size === 0 || !this.#handle) return
    const offsets = [...this.#pending.values()]
    this.#pending.clear()
    try {
      await this.#handle({ topics: groupByTopic(offsets) })
      this.#deps.onEvent({ type: 'committed', offsets })
    } catch (error) {
      this.#deps.logger.debug({ error: messageOf(error) }, 'offsets were not committed')
      this.#deps.onEvent({ type: 'commit-failed', error })
      if (generation === this.#generation) this.#noteAgain(offsets)
    }
  }

  #noteAgain(offsets: readonly CommittedOffset[]): void {
    for (const offset of offsets) if (!this.#pending.has(keyOf(offset))) this.note(offset)
  }
}
