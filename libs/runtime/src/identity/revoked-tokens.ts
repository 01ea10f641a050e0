import { readFileSync, statSync, unwatchFile, watchFile } from 'node:fs'
import type { Logger } from '../logger.ts'
import { messageOf } from '../platform-error.ts'
import { ConfigError } from '../read-config.ts'

export type RevokedTokens = { has(jti: string): boolean; close(): void }

/** For tokens without an id nobody can tell. */
export const isRevoked = ({ jti }: { readonly jti: string | undefined }, revoked: RevokedTokens): boolean =>
  jti !== undefined && revoked.has(jti)

type Options = { readonly logger: Logger; readonly checkEveryMs?: number }

const CHECK_EVERY_MS = 3_000
const MAX_BYTES = 16 * 1024 * 1024

const readList = (path: string): ReadonlySet<string> => {
  const { size } = statSync(path)
  if (size > MAX_BYTES) throw new Error(`${size} bytes are more than ${MAX_BYTES}`)
  const lines = readFileSync(path, 'utf8').split('\n')
  return new Set(lines.map((line) => line.trim()).filter((line) => line !== ''))
}

/** Throws {@link ConfigError}. */
export const readAtStart = (path: string): ReadonlySet<string> => {
  try {
    return readList(path)
  } catch (error) {
    throw new ConfigError([`REVOKED_TOKENS_FILE: cannot be read: ${messageOf(error)}`])
  }
}

const isSame = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
  one.size === other.size && [...one].every((jti) => other.has(jti))

/**
 * The ids (`jti`) of tokens that are no good any more, one a line. The file is looked at every 3 seconds; a mounted
 * ConfigMap changes by a link, which is seen too. A new id counts at once. One that is missing still counts until the
 * next look finds the same list: whoever writes the file in place empties it first, and may be seen at it. While it
 * cannot be read, what it said last stays revoked.
 */
export const watchRevokedTokens = (path: string | undefined, options: Options): RevokedTokens => {
  if (path === undefined) return { has: () => false, close: () => undefined }
  const { logger, checkEveryMs = CHECK_EVERY_MS } = options
  let last = readAtStart(path)
  let revoked = last
  let nextLook: NodeJS.Timeout | undefined
  const look = (isChanged: boolean): void => {
    clearTimeout(nextLook)
    try {
      const list = readList(path)
      const isSettled = !isChanged && isSame(list, last)
      revoked = isSettled ? list : new Set([...revoked, ...list])
      last = list
      logger.info({ count: revoked.size }, 'revoked tokens read again')
      if (isSettled) return
    } catch (error) {
      logger.error({ err: error }, 'revoked tokens could not be read; the last list goes on')
    }
    nextLook = setTimeout(look, checkEveryMs, false).unref()
  }
  const onChange = (): void => look(true)
  watchFile(path, { interval: checkEveryMs, persistent: false }, onChange)
  return {
    has: (jti) => revoked.has(jti),
    close: () => {
      unwatchFile(path, onChange)
      clearTimeout(nextLook)
    },
  }
}
