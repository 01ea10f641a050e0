/**
 * The lanes of the present generation. A generation is one assignment by the group; with the next one all lanes are
 * closed and made anew, whether or not their partition stayed here, since between the two it may have been elsewhere.
 */
import type { Logger } from '@millrace/runtime'
import type { ConsumerEvent } from './consumer-event.ts'
import type { LaneBudget } from './lane-budget.ts'
import type { LaneLimits } from './lane-limits.ts'
import type { LaneSource, TopicPartition } from './lane-source.ts'
import { type Lane, makeLane } from './lane.ts'
import { settleWithin } from './settle-within.ts'

/** What lanes ask of the fetch loop; kafkajs's consumer has it, and refuses all of it while it is starting over. */
export type FetchLoop = {
  pause(partitions: { topic: string; partitions: number[] }[]): void
  resume(partitions: { topic: string; partitions: number[] }[]): void
  seek(position: { topic: string; partition: number; offset: string }): void
}

export type AssignedLanesDeps = {
  readonly source: LaneSource
  readonly limits: LaneLimits
  readonly budget: LaneBudget
  readonly logger: Logger
  readonly fetchLoop: FetchLoop
  readonly onDone: (partition: TopicPartition, nextOffset: bigint) => void
  readonly onEvent: (event: ConsumerEvent) => void
}

// A call to apply that is still under way after this is left to be fenced by the epoch that the next claim takes.
const PREDECESSOR_GRACE_MS = 5_000

const keyOf = (topic: string, partition: number): string => `${topic}/${partition}`

export class AssignedLanes {
  readonly #deps: AssignedLanesDeps
  readonly #lanes = new Map<string, Lane>()
  readonly #leaving = new Map<string, Promise<unknown>>()

  constructor(deps: AssignedLanesDeps) {
    this.#deps = deps
  }

  all = (): Lane[] => [...this.#lanes.values()]

  find(topic: string, partition: number): Lane | undefined {
    return this.#lanes.get(keyOf(topic, partition))
  }

  assign(partitions: readonly TopicPartition[]): void {
    this.close()
    for (const { topic, partition } of partitions) {
      // kafkajs remembers a pause over assignments; and nothing may be fetched before the source has said from where.
      this.#deps.fetchLoop.pause([{ topic, partitions: [partition] }])
      this.#deps.budget.enter()
      this.#lanes.set(keyOf(topic, partition), this.#makeLane({ topic, partition }))
    }
  }

  /** At once; calls in flight come back to closed lanes. */
  close(): void {
    for (const lane of this.all()) {
      const key = keyOf(lane.topic, lane.partition)
      const gone = settleWithin(lane.close(), PREDECESSOR_GRACE_MS)
      this.#deps.budget.leave()
      this.#leaving.set(key, gone)
      void gone.then(() => this.#leaving.get(key) === gone && this.#leaving.delete(key))
    }
    this.#lanes.clear()
  }

  async drain(): Promise<void> {
    await Promise.all(this.all().map((lane) => lane.drain()))
  }

  #makeLane(at: TopicPartition): Lane {
    const { source, limits, budget, logger, onDone, onEvent } = this.#deps
    return makeLane({
      ...at,
      source,
      limits,
      share: budget.share,
      logger,
      fetching: this.#fetchingOf(at),
      predecessorGone: this.#leaving.get(keyOf(at.topic, at.partition)) ?? Promise.resolve(),
      onDone: (nextOffset) => onDone(at, nextOffset),
      onEvent: (event) => onEvent({ ...event, ...at }),
      now: Date.now,
    })
  }

  #fetchingOf({ topic, partition }: TopicPartition) {
    const { fetchLoop } = this.#deps
    const here = [{ topic, partitions: [partition] }]
    return {
      pause: () => fetchLoop.pause(here),
      resume: () => fetchLoop.resume(here),
      seek: (offset: bigint) => fetchLoop.seek({ topic, partition, offset: offset.toString() }),
    }
  }
}
