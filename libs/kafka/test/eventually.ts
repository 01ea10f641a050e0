import { pause } from '@millrace/runtime'

const POLL_MS = 10

/** Resolves once `condition` holds; rejects with what it was waiting for. */
export const eventually = async (what: string, condition: () => boolean, withinMs = 20_000): Promise<void> => {
  const deadline = performance.now() + withinMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain for: ${what}`)
    await pause(POLL_MS)
  }
}
