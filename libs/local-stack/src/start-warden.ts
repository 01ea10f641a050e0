import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { inheritedEnv } from './config.ts'
import { identifyProcess, type ProcessIdentity } from './process-identity.ts'
import type { Env, Guard } from './stack-types.ts'
import { formatWardenMessage, type WardenMessage } from './warden-protocol.ts'

const DEFAULT_GRACE_MS = 5_000
/** More means that it cannot run here, not that somebody kills it. */
const MAX_LAUNCHES = 20

export type WardenOptions = {
  readonly graceMs?: number
  readonly env?: Env
  /** Removed by the warden once everything it guarded has ended. */
  readonly removeAtEnd?: string
}

/** `guard` takes a process that leads its own group (spawned with `detached`). */
export type Warden = Guard & {
  /** Ends whatever is still guarded, then the warden itself. */
  close(): Promise<void>
}

export const startWarden = (options: WardenOptions = {}): Warden => {
  const guarded = new Map<number, ProcessIdentity>()
  let isClosed = false
  let launches = 1
  let child = launch()

  function launch(): ChildProcess {
    const started = spawnWarden(options)
    // A warden that was killed is replaced, and told again what there is to guard.
    started.once('exit', () => {
      if (isClosed) return
      launches += 1
      if (launches > MAX_LAUNCHES) {
        process.emitWarning(
          'The warden does not stay up: processes may be left behind if this one is killed.',
        )
        return
      }
      child = launch()
      for (const leader of guarded.values()) send({ type: 'guard', leader }, child)
    })
    return started
  }

  return {
    guard(pid) {
      const leader = identifyProcess(pid)
      if (leader === null) return
      guarded.set(pid, leader)
      send({ type: 'guard', leader }, child)
    },
    release(pid) {
      if (guarded.delete(pid)) send({ type: 'release', pid }, child)
    },
    async close() {
      if (isClosed) return
      isClosed = true
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.ref()
      child.stdin?.end()
      await exited
    },
  }
}

const spawnWarden = ({ graceMs = DEFAULT_GRACE_MS, env, removeAtEnd }: WardenOptions): ChildProcess => {
  const args = [wardenPath(), String(graceMs), ...(removeAtEnd === undefined ? [] : [removeAtEnd])]
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
    env: { ...(env ?? inheritedEnv()), NODE_OPTIONS: '' }, // what is preloaded in the parent may not be found from here
  })
  child.on('error', () => {}) // seen by its missing pid
  child.stdin?.on('error', () => {}) // the warden is gone; its replacement is told everything
  child.unref()
  if (child.stdin instanceof Socket) child.stdin.unref()
  return child
}

const send = (message: WardenMessage, child: ChildProcess): void => {
  child.stdin?.write(formatWardenMessage(message))
}

/** The same name with the extension this file has: `.ts` in the sources, `.js` in dist. */
const wardenPath = (): string => {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return fileURLToPath(new URL(`./warden.${extension}`, import.meta.url))
}
