/**
 * The warden: a process of its own whose only task is to outlive the one that started it.
 *
 *   parent ── pipe (stdin) ──► warden        guard {pid, start}, release {pid}
 *
 * The pipe is open as long as the parent lives, however it dies: normal end, exception or SIGKILL all close
 * it, and no handler has to run for that. When it closes, the warden ends every process group that is still
 * guarded (SIGTERM, SIGKILL after the grace time), removes the directory of an ephemeral stack, and ends.
 * It runs in its own session, so Ctrl-C in a terminal does not reach it before it is needed.
 *
 * Arguments: grace time in milliseconds, then optionally the directory to remove.
 */
import { rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { endProcessGroup } from './end-process-group.ts'
import type { ProcessIdentity } from './process-identity.ts'
import { parseWardenMessage } from './warden-protocol.ts'

const [graceMs = '5000', directory] = process.argv.slice(2)
const guarded = new Map<number, ProcessIdentity>()

try {
  for await (const line of createInterface({ input: process.stdin })) apply(line)
} catch {
  // A broken pipe says the same as a closed one.
}
await Promise.all([...guarded.values()].map((leader) => endProcessGroup(leader, Number(graceMs))))
if (directory) await rm(directory, { recursive: true, force: true, maxRetries: 5 })

function apply(line: string): void {
  const message = parseWardenMessage(line)
  if (message?.type === 'guard') guarded.set(message.leader.pid, message.leader)
  if (message?.type === 'release') guarded.delete(message.pid)
}
