import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until the condition holds. */
export const eventually = async (
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> => {
  const deadline = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > deadline)
      throw new Error(`still not true after ${timeoutMs} ms: ${String(holds)}`)
    await sleep(50)
  }
}
