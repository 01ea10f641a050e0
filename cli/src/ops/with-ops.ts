import { abortOnSignals } from '../abort-on-signals.ts'
import { loadConfig } from '../config.ts'
import { CommandError, EXIT } from '../exit-codes.ts'
import { findTarget } from '../target.ts'
import type { FollowDeps } from './follow.ts'
import { connectOps } from './ops-client.ts'

export type OpsFlags = { readonly url?: string; readonly json?: boolean }

export type OpsRun = FollowDeps & {
  /** Results are for stdout: a value for scripts, or lines for people. */
  readonly print: (lines: readonly string[], value: unknown) => void
}

const toStderr = (line: string): void => void process.stderr.write(`${line}\n`)

/** `afterInterrupt` says what goes on although nobody looks any more. */
export const withOps = async (
  flags: OpsFlags,
  work: (run: OpsRun) => Promise<void>,
  afterInterrupt = 'stopped',
): Promise<void> => {
  const target = await findTarget('ops', { url: flags.url, config: loadConfig() })
  const signal = abortOnSignals()
  const client = connectOps({ ...target, signal, onTrouble: toStderr })
  const print = (lines: readonly string[], value: unknown): void => {
    const text = flags.json === true ? JSON.stringify(value, null, 2) : lines.join('\n')
    process.stdout.write(`${text}\n`)
  }
  try {
    await work({ client, signal, say: toStderr, print })
  } catch (error) {
    if (signal.aborted) throw new CommandError(afterInterrupt, EXIT.interrupted)
    throw error
  } finally {
    await client.close()
  }
}
