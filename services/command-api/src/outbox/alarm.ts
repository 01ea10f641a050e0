import { pause } from '@millrace/runtime'

export type Alarm = {
  /** Remembered until somebody waits. */
  ring(): void
  /** True once it has rung, false after `ms` or when all stops. */
  wait(ms: number): Promise<boolean>
}

export const makeAlarm = (stopping: AbortSignal): Alarm => {
  let bell = new AbortController()
  return {
    ring: () => bell.abort(),
    wait: async (ms) => {
      await pause(ms, AbortSignal.any([bell.signal, stopping]))
      const hasRung = bell.signal.aborted
      bell = new AbortController()
      return hasRung && !stopping.aborted
    },
  }
}
