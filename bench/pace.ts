import { setTimeout as sleep } from 'node:timers/promises'

const EVERY_MS = 2

export type Pace = { readonly perSecond: number; readonly seconds: number }

/**
 * Starts work at fixed times, however long what was started before takes, and waits for all of it. Latencies count from
 * `dueMs`, when it should have begun, by performance.now(): so what made it begin late is in them.
 */
export const atPace = async <T>(
  { perSecond, seconds }: Pace,
  start: (index: number, dueMs: number) => Promise<T>,
): Promise<T[]> => {
  const started: Promise<T>[] = []
  const failed = new AbortController()
  const beganMs = performance.now()
  const all = Math.round(perSecond * seconds)
  while (started.length < all && !failed.signal.aborted) {
    const passedMs = performance.now() - beganMs
    const due = Math.min(all, Math.floor((passedMs / 1000) * perSecond) + 1)
    while (started.length < due) {
      const work = start(started.length, beganMs + (started.length * 1000) / perSecond)
      work.catch(() => failed.abort())
      started.push(work)
    }
    await sleep(EVERY_MS)
  }
  return Promise.all(started)
}
