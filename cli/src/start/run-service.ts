import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { superviseProcess, type SupervisedProcess, type Warden } from '@millrace/local-stack'
import { inheritedEnv } from '../config.ts'
import type { ServiceSpec } from './service-specs.ts'

export type RunOptions = {
  readonly logDir: string
  readonly warden: Warden
  /** A line worth a human's attention. */
  readonly say: (line: string) => void
  readonly onPid: (name: string, pid: number) => void
}

const READY_POLL_MS = 50
const START_TIMEOUT_MS = 60_000
/** Above the services' own shutdown deadline. */
const GRACE_MS = 25_000
const FIRST_RESTART_MS = 500

const isReady = async (admin: string, signal: AbortSignal): Promise<boolean> => {
  try {
    return (await fetch(new URL('/readyz', admin), { signal })).ok
  } catch {
    return false
  }
}

const untilReady = async (admin: string | null, signal: AbortSignal): Promise<void> => {
  if (admin === null) return
  while (!(await isReady(admin, signal))) {
    signal.throwIfAborted()
    await sleep(READY_POLL_MS)
  }
}

type LogLine = { level?: string; msg?: string; kafkajs?: string; err?: { message?: string } }

/**
 * Warnings and errors of a service's JSON log, shortened to a line; other output as it is. What kafkajs says about
 * its own retries stays in the log file: our own lines tell whether one mattered.
 */
const worthSaying = (line: string): string | undefined => {
  try {
    const { level, msg, err, kafkajs } = JSON.parse(line) as LogLine
    if (kafkajs !== undefined) return undefined
    if (level !== 'warn' && level !== 'error') return undefined
    return `${level}: ${msg ?? ''}${err?.message === undefined ? '' : ` (${err.message})`}`
  } catch {
    return line
  }
}

/** Runs one service until stopped; resolves when it is ready for the first time. Its whole log goes to a file. */
export const runService = async (spec: ServiceSpec, options: RunOptions): Promise<SupervisedProcess> => {
  const log = createWriteStream(join(options.logDir, `${spec.name}.log`), { flags: 'a' })
  return superviseProcess({
    name: spec.name,
    command: process.execPath,
    args: spec.args,
    env: { ...inheritedEnv(), ...spec.env },
    warden: options.warden,
    graceMs: GRACE_MS,
    startTimeoutMs: START_TIMEOUT_MS,
    backoff: { firstMs: FIRST_RESTART_MS },
    ready: ({ signal }) => untilReady(spec.admin, signal),
    onStarted: ({ pid, isRestart }) => {
      if (isRestart) options.say(`${spec.name} is back`)
      options.onPid(spec.name, pid)
    },
    onExit: ({ code, signal, restartInMs }) =>
      options.say(`${spec.name} ended (${signal ?? `code ${code}`}); starting it again in ${restartInMs} ms`),
    onLine: (line) => {
      log.write(`${line}\n`)
      const text = worthSaying(line)
      if (text !== undefined) options.say(`${spec.name} ${text}`)
    },
  })
}
