import { randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'

const RANDOM_BYTES = 16

/** Asking the system for each id's few bytes would cost more than all the rest of making it. */
const pool = new Uint8Array(256 * RANDOM_BYTES)
let used = pool.length

/** A UUIDv7: ids of later milliseconds sort behind those of earlier ones. */
export const newId = (): string => {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const random = pool.subarray(used, used + RANDOM_BYTES)
  used += RANDOM_BYTES
  return v7({ random })
}
