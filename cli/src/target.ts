import { readToken } from './config.ts'
import { CommandError, EXIT } from './exit-codes.ts'
import { readRun } from './run-file.ts'

export type Target = { readonly url: string; readonly token: string | undefined }

/** Where a service is: as `--url` says, with MILLRACE_TOKEN; else the development stack that runs here. */
export const findTarget = async (
  service: string,
  from: { url: string | undefined; home: string },
): Promise<Target> => {
  if (from.url !== undefined) return { url: from.url, token: readToken() }
  const run = await readRun(from.home)
  const url = run.services[service]?.url
  if (url === null || url === undefined) throw new CommandError(`${service} is not running`, EXIT.unavailable)
  return { url, token: run.token }
}
