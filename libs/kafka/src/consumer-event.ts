import type { TopicPartition } from './lane-source.ts'
import type { LaneState } from './lane-state.ts'

/** What happens in a consumer, for metrics and tests. Listeners must not throw and must not take long. */
export type ConsumerEvent =
  | { readonly type: 'joined'; readonly generation: number; readonly partitions: readonly TopicPartition[] }
  | { readonly type: 'rebalancing' }
  | { readonly type: 'heartbeat'; readonly sentAtMs: number }
  | { readonly type: 'crashed'; readonly error: Error; readonly willRestart: boolean }
  | (LaneEvent & TopicPartition)
  | {
      readonly type: 'committed'
      readonly offsets: readonly (TopicPartition & { readonly offset: bigint })[]
    }
  | { readonly type: 'commit-failed'; readonly error: unknown }

export type LaneEvent =
  | { readonly type: 'lane-changed'; readonly state: LaneState }
  | {
      readonly type: 'applied'
      readonly records: number
      readonly durationMs: number
      /** Of the last record; its distance from now is the lag in time. */
      readonly lastTimestamp: number
    }
  | { readonly type: 'fetch-paused'; readonly queuedBytes: number }
  | { readonly type: 'fetch-resumed'; readonly queuedBytes: number }
  /** Kafka no longer has the expected offset. On a topic that keeps everything somebody must know. */
  | { readonly type: 'jumped'; readonly expectedOffset: bigint; readonly actualOffset: bigint }
