export type LaneLimits = {
  /** A lane stops fetching above this and goes on below half of it. Counts keys, values, headers and objects. */
  readonly maxQueuedBytesPerLane: number
  readonly maxBatchRecords: number
  readonly maxBatchBytes: number
  readonly commitEveryMs: number
}

export const defaultLaneLimits: LaneLimits = {
  maxQueuedBytesPerLane: 4 * 1024 * 1024,
  maxBatchRecords: 1_000,
  maxBatchBytes: 1024 * 1024,
  commitEveryMs: 1_000,
}
