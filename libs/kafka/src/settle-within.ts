import { pause } from '@millrace/runtime'

/** Waits for `work`, whatever its outcome, but not longer than `ms`. True when it settled in time. */
export const settleWithin = async (work: Promise<unknown>, ms: number): Promise<boolean> => {
  const expired = new AbortController()
  const settled = work.then(
    () => true,
    () => true,
  )
  const late = pause(ms, expired.signal).then(() => false)
  try {
    return await Promise.race([settled, late])
  } finally {
    expired.abort()
  }
}
