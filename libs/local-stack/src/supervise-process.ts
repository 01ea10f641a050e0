/**
 * Keeps one process running.
 *
 *               ready                   exit
 *   starting ───────────► running ───────────► waiting ── back-off over ──► starting
 *      │ exit, not ready in time                  ▲
 *      ├──────────────────────────────────────────┘      (from the second start on)
 *      └──► stopped: the first start failed, `superviseProcess` throws with the last lines of output
 *
 *   any ── stop() ──► stopping ── SIGTERM, SIGKILL after graceMs ──► stopped
 *
 * The back-off doubles from `firstMs` to `maxMs` and starts anew once a run was ready for `resetAfterMs`. Each
 * run is announced to the guards before anything else happens with it and taken back after its exit, when
 * whatever it left in its process group is ended too.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf } from './error-code.ts'
import { endProcessGroup } from './end-process-group.ts'
import { LocalStackError } from './local-stack-error.ts'
import type { Env, Guard } from './stack-types.ts'
import { launchChild, type Exit, type SupervisedChild } from './supervised-child.ts'

export type Backoff = { readonly firstMs: number; readonly maxMs: number; readonly resetAfterMs: number }

export const DEFAULT_BACKOFF: Backoff = { firstMs: 1_000, maxMs: 30_000, resetAfterMs: 60_000 }

export type ReadyCheck = {
  readonly pid: number
  /** Where this run's output begins in the log file. */
  readonly logStartByte: number
  /** Fires when the process has exited or took too long: stop asking. */
  readonly signal: AbortSignal
}

export type ProcessExit = Exit & { readonly restartInMs: number }

export type ProcessSpec = {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Env
  readonly cwd?: string
  /** Exactly one of the two takes stdout and stderr. */
  readonly logFile?: string
  readonly onLine?: (line: string) => void
  readonly warden?: Guard
  readonly guards?: readonly Guard[]
  readonly backoff?: Partial<Backoff>
  /** Resolves when the process does its work; rejecting counts as a failed start. Default: it runs. */
  readonly ready?: (check: ReadyCheck) => Promise<void>
  readonly startTimeoutMs?: number
  /** Time between SIGTERM and SIGKILL; 0 kills at once. */
  readonly graceMs?: number
  readonly signal?: AbortSignal
  readonly onStarted?: (started: { readonly pid: number; readonly isRestart: boolean }) => void
  /** The process ended although nobody called stop(); it starts again after `restartInMs`. */
  readonly onExit?: (exit: ProcessExit) => void
}

export type ProcessState = 'starting' | 'running' | 'waiting' | 'stopping' | 'stopped'

export type SupervisedProcess = {
  state(): ProcessState
  /** Null while no process runs. */
  pid(): number | null
  stop(): Promise<void>
}

const DEFAULT_START_TIMEOUT_MS = 60_000
const DEFAULT_GRACE_MS = 10_000

/** Resolves when the process is ready for the first time. */
export const superviseProcess = async (spec: ProcessSpec): Promise<SupervisedProcess> => {
  const stopping = new AbortController()
  const stopSignal = spec.signal ? AbortSignal.any([spec.signal, stopping.signal]) : stopping.signal
  let state: ProcessState = 'starting'
  let child = launch(spec)

  const first = await startRun(spec, child, stopSignal)
  if (first.type === 'failed') throw await describeFailedStart(spec, child, first.reason)
  state = 'running'
  announce(spec, child, false)

  const supervise = async (): Promise<void> => {
    let readyAt: number | null = performance.now()
    for (let failures = 0; ; failures += 1) {
      const exit = await child.exited
      await endRun(spec, child, 0)
      if (stopping.signal.aborted) return
      if (readyAt !== null && performance.now() - readyAt >= backoffOf(spec).resetAfterMs) failures = 0
      const restartInMs = nextDelayMs(backoffOf(spec), failures)
      state = 'waiting'
      spec.onExit?.({ ...exit, restartInMs })
      if (!(await waitUnlessStopped(restartInMs, stopping.signal))) return
      state = 'starting'
      child = launch(spec)
      const run = await startRun(spec, child, stopping.signal)
      readyAt = run.type === 'ready' ? performance.now() : null
      if (run.type === 'failed') continue
      state = 'running'
      announce(spec, child, true)
    }
  }
  const supervision = supervise()

  return {
    state: () => state,
    pid: () => (state === 'running' || state === 'starting' ? (child.leader?.pid ?? null) : null),
    async stop() {
      if (state !== 'stopped') state = 'stopping'
      stopping.abort()
      await endRun(spec, child, spec.graceMs ?? DEFAULT_GRACE_MS)
      await supervision
      await endRun(spec, child, 0)
      state = 'stopped'
    },
  }
}

/** Doubles from `firstMs` to at most `maxMs`. */
export const nextDelayMs = (
  { firstMs, maxMs }: Pick<Backoff, 'firstMs' | 'maxMs'>,
  failures: number,
): number => Math.min(maxMs, firstMs * 2 ** Math.min(failures, 30))

const backoffOf = (spec: ProcessSpec): Backoff => ({ ...DEFAULT_BACKOFF, ...spec.backoff })

const launch = (spec: ProcessSpec): SupervisedChild =>
  launchChild({
    command: spec.command,
    args: spec.args,
    ...(spec.env && { env: spec.env }),
    ...(spec.cwd !== undefined && { cwd: spec.cwd }),
    output: spec.logFile === undefined ? { onLine: spec.onLine ?? (() => {}) } : { logFile: spec.logFile },
    guards: guardsOf(spec),
  })

type Run = { readonly type: 'ready' } | { readonly type: 'failed'; readonly reason: unknown }

/** Waits for ready, the exit or the time limit; a run that did not become ready is ended before this returns. */
const startRun = async (spec: ProcessSpec, child: SupervisedChild, stop: AbortSignal): Promise<Run> => {
  const over = new AbortController()
  const timeout = AbortSignal.timeout(spec.startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS)
  const signal = AbortSignal.any([over.signal, timeout, stop])
  const run = await Promise.race([
    checkReady(spec, child, signal),
    child.exited.then((exit): Run => ({
      type: 'failed',
      reason: exit.error ?? new Error(describeExit(exit)),
    })),
    whenAborted(signal),
  ])
  over.abort()
  if (run.type === 'ready') return run
  await endRun(spec, child, stop.aborted ? (spec.graceMs ?? DEFAULT_GRACE_MS) : 0)
  await child.exited
  return run
}

const checkReady = async (spec: ProcessSpec, child: SupervisedChild, signal: AbortSignal): Promise<Run> => {
  if (child.leader === null) return { type: 'failed', reason: (await child.exited).error }
  try {
    await spec.ready?.({ pid: child.leader.pid, logStartByte: child.logStartByte, signal })
    return { type: 'ready' }
  } catch (reason) {
    return { type: 'failed', reason }
  }
}

const whenAborted = (signal: AbortSignal): Promise<Run> =>
  new Promise((resolve) => {
    const fail = (): void => resolve({ type: 'failed', reason: signal.reason })
    if (signal.aborted) fail()
    signal.addEventListener('abort', fail, { once: true })
  })

const endRun = async (spec: ProcessSpec, { leader }: SupervisedChild, graceMs: number): Promise<void> => {
  if (leader === null) return
  await endProcessGroup(leader, graceMs)
  for (const guard of guardsOf(spec)) guard.release(leader.pid)
}

const guardsOf = (spec: ProcessSpec): readonly Guard[] => [
  ...(spec.warden ? [spec.warden] : []),
  ...(spec.guards ?? []),
]

const announce = (spec: ProcessSpec, child: SupervisedChild, isRestart: boolean): void => {
  if (child.leader) spec.onStarted?.({ pid: child.leader.pid, isRestart })
}

const waitUnlessStopped = async (delayMs: number, signal: AbortSignal): Promise<boolean> => {
  try {
    await sleep(delayMs, undefined, { signal })
    return true
  } catch {
    return false
  }
}

const describeExit = ({ code, signal }: Exit): string =>
  signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`

const describeFailedStart = async (spec: ProcessSpec, child: SupervisedChild, reason: unknown) => {
  if (spec.signal?.aborted) {
    return new LocalStackError('aborted', `The start of ${spec.name} was cancelled.`, {
      nextStep: 'Nothing is left running; start it again.',
    })
  }
  const lines = await child.lastLines()
  const cause = reasonOf(reason)
  const output = lines.length === 0 ? 'It printed nothing.' : `Its last lines:\n  ${lines.join('\n  ')}`
  const where = spec.logFile === undefined ? '' : ` The whole log is in ${spec.logFile}.`
  return new LocalStackError('server-failed', `${spec.name} did not start: ${cause}.`, {
    nextStep: `${output}${where}`,
    cause: reason,
  })
}
