import { spawn, type ChildProcess } from 'node:child_process'

export type CommandResult = { isOk: boolean; output: string }
export type CommandOptions = {
  env?: Record<string, string>
  /** Ends the command when aborted; the reason is added to its output. */
  signal?: AbortSignal
}

const limitMs = 15 * 60_000
const graceMs = 10_000
const leftoverMs = 2_000

const running = new Set<ChildProcess>()
let isEnding = false

/** Runs a command to its end, or to the limit; never rejects. `output` is both streams as they came. */
export const runCommand = (
  command: readonly string[],
  { env, signal }: CommandOptions = {},
): Promise<CommandResult> =>
  new Promise((resolve) => {
    if (isEnding) return resolve({ isOk: false, output: 'stopped' })
    const [file = '', ...args] = command
    // A group of its own, so that what a test leaves running ends with the command.
    const options = { env: { ...plainEnvironment(), ...env }, detached: true }
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(child)

    let output = ''
    const append = (text: unknown): void => {
      output += String(text)
    }
    child.stdout.on('data', append)
    child.stderr.on('data', append)

    const stop = (): void => {
      append(`\n${String(limit.reason)}\n`)
      end(child)
    }
    const limit = AbortSignal.any([AbortSignal.timeout(limitMs), ...(signal ? [signal] : [])])
    limit.addEventListener('abort', stop)
    const finish = (isOk: boolean): void => {
      limit.removeEventListener('abort', stop)
      running.delete(child)
      resolve({ isOk, output })
    }
    child.on('error', (error) => {
      append(error.message)
      finish(false)
    })
    // The output stays open as long as a leftover of the command holds it.
    child.on('exit', () => setTimeout(signalGroup, leftoverMs, child, 'SIGKILL').unref())
    child.on('close', (code) => finish(code === 0))
  })

/** Ends every command that still runs and starts no other, so that the gate ends soon after. */
export const endRunningCommands = (): void => {
  isEnding = true
  for (const child of running) end(child)
}

const end = (child: ChildProcess): void => {
  signalGroup(child, 'SIGTERM')
  setTimeout(signalGroup, graceMs, child, 'SIGKILL').unref()
}

const signalGroup = (child: ChildProcess, signal: NodeJS.Signals): void => {
  if (!child.pid) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // The whole group has ended.
  }
}

const plainEnvironment = (): NodeJS.ProcessEnv => {
  const { FORCE_COLOR: _, ...env } = process.env
  return { ...env, NO_COLOR: '1' }
}
