import { hasCode } from '../error-code.ts'
import { LocalStackError, throwIfAborted } from '../local-stack-error.ts'
import { endProcessGroup } from '../end-process-group.ts'
import type { Env, Guard } from '../stack-types.ts'
import { launchChild, type Exit } from '../supervised-child.ts'

export type ToolRun = {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Env
  readonly guards: readonly Guard[]
  readonly signal: AbortSignal
  /** Thrown when the command does not exist. */
  readonly ifMissing?: () => LocalStackError
}

/** Runs a command to its end; its last lines are in the error when it fails. */
export const runTool = async (run: ToolRun): Promise<void> => {
  throwIfAborted(run.signal)
  const child = launchChild({ ...run, output: { onLine: () => {} } })
  const end = async (): Promise<void> => {
    if (child.leader) await endProcessGroup(child.leader, 2_000)
  }
  const onAbort = (): void => void end()
  run.signal.addEventListener('abort', onAbort, { once: true })
  const exit = await child.exited
  run.signal.removeEventListener('abort', onAbort)
  await end()
  if (child.leader) for (const guard of run.guards) guard.release(child.leader.pid)
  throwIfAborted(run.signal)
  if (exit.code !== 0) throw toError(run, exit, await child.lastLines())
}

const toError = (run: ToolRun, exit: Exit, lines: readonly string[]): LocalStackError => {
  const output = lines.join('\n  ')
  if (hasCode(exit.error, 'ENOENT') && run.ifMissing) return run.ifMissing()
  if (/no space left on device|ENOSPC/i.test(output)) return diskFull(run.cwd)
  const reason = exit.error?.message ?? (exit.signal ? `ended by ${exit.signal}` : `exit code ${exit.code}`)
  return new LocalStackError('download-failed', `${run.name} failed (${reason}).`, {
    nextStep: output === '' ? 'It printed nothing.' : `Its last lines:\n  ${output}`,
    cause: exit.error,
  })
}

export const diskFull = (directory: string): LocalStackError =>
  new LocalStackError('disk-full', `There is no space left for ${directory}.`, {
    nextStep:
      'Free some space, or choose another place with MILLRACE_CACHE (downloads) or the data directory.',
  })
