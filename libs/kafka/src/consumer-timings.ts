export type ConsumerTimings = {
  /** A member that is silent for so long is put out of the group. */
  readonly sessionTimeoutMs: number
  /** Also how soon a member notices that the group shares out its partitions again; the others wait for it. */
  readonly heartbeatEveryMs: number
  /** How long the group waits for its members to come back for a new assignment. */
  readonly rebalanceTimeoutMs: number
  /** How long the broker holds a fetch that finds nothing; also how long resuming and stopping may take to show. */
  readonly fetchWaitMs: number
  /** How soon new partitions are noticed. */
  readonly metadataMaxAgeMs: number
  readonly endOffsetsEveryMs: number
}

export const defaultConsumerTimings: ConsumerTimings = {
  sessionTimeoutMs: 10_000,
  heartbeatEveryMs: 300,
  rebalanceTimeoutMs: 30_000,
  fetchWaitMs: 100,
  metadataMaxAgeMs: 30_000,
  endOffsetsEveryMs: 10_000,
}
