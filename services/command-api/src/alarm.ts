import { pause } from '@millrace/runtime'

export type Alarm = {
  /** Remembered until somebody waits. */
  ring(): void
  /** True once it has rung, false after `ms` or when all stops; not before `notBefore` (performance.now()). */
  wait(ms: number, notBefore?: number): Promise<boolean>
}

export const makeAlarm = (stopping: AbortSignal): Alarm => {
  let bell = new AbortController()
  return {
    // An abort makes an error with its stack: once is enough.
    ring: () => {
      if (!bell.signal.aborted) bell.abort()
    },
    wait: async (ms, notBefore = 0) => {
      await pause(ms, AbortSignal.any([bell.signal, stopping]))
      await pause(notBefore - performance.now(), stopping)
      const hasRung = bell.signal.aborted
      // Last, so that what came meanwhile does not ring again.
      bell = new AbortController()
      return hasRung && !stopping.aborted
    },
  }
}
