/** One run of a supervised process: from its spawn to its exit. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { closeLogFile, openLogFile, readLastLines } from './log-file.ts'
import { identifyProcess, type ProcessIdentity } from './process-identity.ts'
import type { Env, Guard } from './stack-types.ts'

const KEPT_LINES = 30
const LAST_LINES_MS = 500

export type Exit = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly error?: Error
}

/** Where the output goes: to a file (which outlives us), or line by line to a function. */
export type Output = { readonly logFile: string } | { readonly onLine: (line: string) => void }

export type ChildSpec = {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Env
  readonly cwd?: string
  readonly output: Output
  readonly guards: readonly Guard[]
}

export type SupervisedChild = {
  readonly leader: ProcessIdentity | null
  readonly logStartByte: number
  readonly exited: Promise<Exit>
  lastLines(): Promise<readonly string[]>
}

/** The child leads its own process group, so that a Ctrl-C reaches only us and we can end it with its children. */
export const launchChild = (spec: ChildSpec): SupervisedChild => {
  const log = 'logFile' in spec.output ? openLogFile(spec.output.logFile) : null
  const child = spawnGroup(spec, log?.fd ?? 'pipe')
  const leader = child.pid === undefined ? null : identifyProcess(child.pid)
  if (leader) for (const guard of spec.guards) guard.guard(leader.pid)
  if (log) closeLogFile(log.fd)
  const logStartByte = log?.size ?? 0
  const lastLines = collectLines(child, spec.output, logStartByte)
  return { leader, logStartByte, exited: awaitExit(child), lastLines }
}

const spawnGroup = ({ command, args, cwd, env }: ChildSpec, output: number | 'pipe'): ChildProcess =>
  spawn(command, args, {
    detached: true,
    stdio: ['ignore', output, output],
    ...(cwd !== undefined && { cwd }),
    ...(env && { env }),
  })

const collectLines = (child: ChildProcess, output: Output, fromByte: number) => {
  if ('logFile' in output) return () => readLastLines(output.logFile, KEPT_LINES, fromByte)
  const kept: string[] = []
  const keep = (line: string): void => {
    kept.push(line)
    if (kept.length > KEPT_LINES) kept.shift()
    output.onLine(line)
  }
  for (const input of [child.stdout, child.stderr]) if (input) createInterface({ input }).on('line', keep)
  return async () => kept
}

/** The last lines may come a moment after the exit, or never when a grandchild keeps the pipe open. */
const awaitExit = (child: ChildProcess): Promise<Exit> =>
  new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }))
    child.once('exit', (code, signal) => {
      const finish = (): void => resolve({ code, signal })
      child.once('close', finish)
      setTimeout(finish, LAST_LINES_MS).unref()
    })
  })
