import type { Config } from './config.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import { readRun } from './run-file.ts'

export type Target = { readonly url: string; readonly token: string | undefined }

const NEEDS_TOKEN =
  'this stack has an identity provider: set MILLRACE_TOKEN to a token of it (docs/cli.md has the scopes)'

/**
 * Where a service is: as `--url` says, else the development stack that runs here. The token is that of the stack, where it
 * has one of its own, else MILLRACE_TOKEN.
 */
export const findTarget = async (
  service: string,
  { url: given, config }: { url: string | undefined; config: Config },
): Promise<Target> => {
  if (given !== undefined) return { url: given, token: config.MILLRACE_TOKEN }
  const run = await readRun(config.MILLRACE_HOME)
  const url = run.services[service]?.url
  if (url === null || url === undefined) throw new CommandError(`${service} is not running`, EXIT.unavailable)
  const token = run.token ?? config.MILLRACE_TOKEN
  if (token === undefined) throw new CommandError(NEEDS_TOKEN, EXIT.usage)
  return { url, token }
}
