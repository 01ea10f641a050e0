import { readFileSync, statSync, unwatchFile, watchFile } from 'node:fs'
import type { Logger } from '../logger.ts'
import { messageOf } from '../platform-error.ts'
import { ConfigError } from '../read-config.ts'

export type RevokedTokens = { has(jti: string): boolean; close(): void }

type Options = { readonly logger: Logger; readonly checkEveryMs?: number }

const CHECK_EVERY_MS = 3_000
const MAX_BYTES = 16 * 1024 * 1024

const readList = (path: string): ReadonlySet<string> => {
  const { size } = statSync(path)
  if (size > MAX_BYTES) throw new Error(`${size} bytes are more than ${MAX_BYTES}`)
  const lines = readFileSync(path, 'utf8').split('\n')
  return new Set(lines.map((line) => line.trim()).filter((line) => line !== ''))
}

const readAtStart = (path: string): ReadonlySet<string> => {
  try {
    return readList(path)
  } catch (error) {
    throw new ConfigError([`REVOKED_TOKENS_FILE: cannot be read: ${messageOf(error)}`])
  }
}

/**
 * The ids (`jti`) of tokens that are no good any more, one a line. The file is looked at every 3 seconds; a mounted
 * ConfigMap changes by a link, which is seen too. While it cannot be read, what it said last stays revoked.
 */
export const watchRevokedTokens = (path: string | undefined, options: Options): RevokedTokens => {
  if (path === undefined) return { has: () => false, close: () => undefined }
  const { logger, checkEveryMs = CHECK_EVERY_MS } = options
  let revoked = readAtStart(path)
  const readAgain = (): void => {
    try {
      revoked = readList(path)
      logger.info({ count: revoked.size }, 'revoked tokens read again')
    } catch (error) {
      logger.error({ err: error }, 'revoked tokens could not be read; the last list goes on')
    }
  }
  watchFile(path, { interval: checkEveryMs, persistent: false }, readAgain)
  return { has: (jti) => revoked.has(jti), close: () => unwatchFile(path, readAgain) }
}
