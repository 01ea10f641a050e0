import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from '@millrace/testkit'
import { environmentWithoutServers } from './config.ts'

export type RunFile = {
  pid: number
  token: string
  urls: { kafka: string; mongo: string; registry: string }
  services: Record<string, { url: string | null; admin: string | null; pid: number | null }>
}

/** `millrace start` as a user runs it, in a home of its own, with servers of its own. */
export type MillraceProcess = {
  readonly child: ChildProcess
  output(): string
  run(): Promise<RunFile>
  /** Ctrl-C; resolves with the exit code. */
  interrupt(): Promise<number | null>
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BOOTSTRAP = join(ROOT, 'tools', 'bootstrap.mjs')
const START_TIMEOUT_MS = 90_000

const environmentOf = (home: string): NodeJS.ProcessEnv => ({
  ...environmentWithoutServers(),
  MILLRACE_HOME: home,
})

export const readRunFile = async (home: string): Promise<RunFile> =>
  JSON.parse(await readFile(join(home, 'run.json'), 'utf8')) as RunFile

export const startMillrace = async (home: string, args: readonly string[] = []): Promise<MillraceProcess> => {
  const child = spawn(process.execPath, [BOOTSTRAP, 'cli/src/main.ts', 'start', ...args], {
    cwd: ROOT,
    env: environmentOf(home),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await eventually(
    () => Promise.resolve(text),
    (output) => {
      if (child.exitCode !== null) throw new Error(`millrace start ended with ${child.exitCode}:\n${output}`)
      return /^ready in /m.test(output)
    },
    { timeoutMs: START_TIMEOUT_MS },
  )
  return {
    child,
    output: () => text,
    run: () => readRunFile(home),
    interrupt: async () => {
      const exited = once(child, 'exit') as Promise<[number | null]>
      child.kill('SIGINT')
      return (await exited)[0]
    },
  }
}

export type CommandResult = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** Runs `millrace …` to its end against the stack of `home`; `onStart` has the means to end it before. */
export const runMillrace = async (
  home: string,
  args: readonly string[],
  onStart: (interrupt: () => void) => void = () => undefined,
): Promise<CommandResult> => {
  const child = spawn(process.execPath, [BOOTSTRAP, 'cli/src/main.ts', ...args], {
    cwd: ROOT,
    env: environmentOf(home),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onStart(() => void child.kill('SIGINT'))
  const result = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (result.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (result.stderr += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...result }
}
