export type LaneLimits = {
  /**
   * A lane stops fetching above this, or above its share of what all lanes of the connection may queue, and goes on below
   * half of it. Counts keys, values, headers and objects.
   */
  readonly maxQueuedBytesPerLane: number
  /** What comes in one batch is one find, one fold and one write: the larger, the fewer writes of one document. */
  readonly maxBatchRecords: number
  readonly maxBatchBytes: number
  readonly commitEveryMs: number
}

const MIB = 1024 * 1024

/** For all lanes of a connection together. */
export const MAX_QUEUED_BYTES = 128 * MIB

export const defaultLaneLimits: LaneLimits = {
  maxQueuedBytesPerLane: 8 * MIB,
  maxBatchRecords: 4_000,
  maxBatchBytes: 6 * MIB,
  commitEveryMs: 1_000,
}
