import { spawn, type ChildProcess } from 'node:child_process'

export type CommandResult = { isOk: boolean; output: string }

const stepLimitMs = 15 * 60_000
const killAfterMs = 10_000

const running = new Set<ChildProcess>()
let isEnding = false

/** Runs a command to its end, or to the limit; never rejects. `output` is both streams as they came. */
export const runCommand = (
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<CommandResult> =>
  new Promise((resolve) => {
    if (isEnding) return resolve({ isOk: false, output: 'stopped' })
    const [file = '', ...args] = command
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: '0', ...env },
    })
    running.add(child)
    let output = ''
    const append = (text: unknown): void => {
      output += String(text)
    }
    child.stdout.on('data', append)
    child.stderr.on('data', append)
    const limit = setTimeout(() => {
      append(`\nstopped after ${stepLimitMs / 60_000} minutes\n`)
      end(child)
    }, stepLimitMs)
    const finish = (isOk: boolean): void => {
      clearTimeout(limit)
      running.delete(child)
      resolve({ isOk, output })
    }
    child.on('error', (error) => {
      append(error.message)
      finish(false)
    })
    child.on('close', (code) => finish(code === 0))
  })

/** Ends every command that still runs and starts no other, so that the gate ends soon after. */
export const endRunningCommands = (): void => {
  isEnding = true
  for (const child of running) end(child)
}

const end = (child: ChildProcess): void => {
  child.kill('SIGTERM')
  setTimeout(() => child.kill('SIGKILL'), killAfterMs).unref()
}
