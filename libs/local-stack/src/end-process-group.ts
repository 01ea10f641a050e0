import { setTimeout as sleep } from 'node:timers/promises'
import { isGroupAlive, type ProcessIdentity } from './process-identity.ts'

const POLL_MS = 50
const KILL_WAIT_MS = 5_000

/**
 * Asks the group to end, then forces it after `graceMs` (0: forces it at once). Resolves when nothing of it
 * runs any more. Never signals a pid that was used again by another process.
 */
export const endProcessGroup = async (leader: ProcessIdentity, graceMs: number): Promise<void> => {
  if (graceMs > 0) {
    signalGroup(leader, 'SIGTERM')
    if (await waitUntilGone(leader, graceMs)) return
  }
  signalGroup(leader, 'SIGKILL')
  await waitUntilGone(leader, KILL_WAIT_MS)
}

const signalGroup = (leader: ProcessIdentity, signal: NodeJS.Signals): void => {
  if (!isGroupAlive(leader)) return
  try {
    process.kill(-leader.pid, signal)
  } catch {
    // It ended between the check and the signal.
  }
}

const waitUntilGone = async (leader: ProcessIdentity, timeoutMs: number): Promise<boolean> => {
  const deadline = performance.now() + timeoutMs
  while (isGroupAlive(leader)) {
    if (performance.now() >= deadline) return false
    await sleep(POLL_MS)
  }
  return true
}
