import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Env } from './stack-types.ts'

/** What the servers and download tools inherit when the caller gives no environment of its own. */
export const inheritedEnv = (): Env => process.env

/** Downloads live outside every work tree, so that a fresh clone does not fetch 200 MB again. */
export const readCacheDir = (env: Env): string => {
  if (env['MILLRACE_CACHE']) return env['MILLRACE_CACHE']
  if (env['XDG_CACHE_HOME']) return join(env['XDG_CACHE_HOME'], 'millrace')
  return join(homedir(), '.cache', 'millrace')
}
