import { pause } from '@millrace/runtime'

/** For each partition how many events there are, and how many of them are in the read model. */
export type Progress = { readonly written: readonly number[]; readonly applied: readonly number[] }

export type PauseWatch = {
  /** The longest that any partition stood still although events waited, since the last call, in ms. */
  takeLongestMs(): number
  stop(): Promise<void>
}

const LOOK_EVERY_MS = 20

export const watchPauses = (read: () => Promise<Progress>): PauseWatch => {
  const stopping = new AbortController()
  const partitions = new Map<number, { applied: number; stillSinceMs: number }>()
  let longestMs = 0

  const look = ({ written, applied }: Progress): void => {
    const nowMs = performance.now()
    for (const [partition, count] of written.entries()) {
      const now = applied[partition] ?? 0
      const before = partitions.get(partition) ?? { applied: -1, stillSinceMs: nowMs }
      const isStill = now === before.applied && now < count
      longestMs = Math.max(longestMs, nowMs - before.stillSinceMs)
      partitions.set(partition, { applied: now, stillSinceMs: isStill ? before.stillSinceMs : nowMs })
    }
  }

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      look(await read())
      await pause(LOOK_EVERY_MS, stopping.signal)
    }
  }

  const running = run()
  return {
    takeLongestMs: () => {
      const taken = longestMs
      longestMs = 0
      return Math.round(taken)
    },
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
