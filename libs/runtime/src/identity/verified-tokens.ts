import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { VerifiedToken } from './verify-token.ts'

/** Not the token itself: what is in memory can end in a crash dump. */
export const tokenHash = (token: string): string => hash('sha256', token, 'base64')

/** Verified tokens by their hash, each until it has to be verified again. */
export type VerifiedTokens = {
  get(key: string): VerifiedToken | undefined
  /** Grows with each `clear`. */
  generation(): number
  /** Not when all were cleared since `generation`: what verified this one may have been taken back. */
  keep(key: string, token: VerifiedToken, generation: number): void
  clear(): void
  count(): number
}

const MAX_TOKENS = 50_000
const MAX_BYTES = 32 * 1024 * 1024
/** Of an entry without its texts, and of each scope; somewhat more than what is measured. */
const ENTRY_BYTES = 500
const SCOPE_BYTES = 60

const bytesOf = ({ principal, jti = '' }: VerifiedToken): number => {
  const texts = [principal.id, principal.tenant, jti, ...principal.scopes]
  return (
    ENTRY_BYTES + principal.scopes.size * SCOPE_BYTES + texts.reduce((sum, { length }) => sum + length * 2, 0)
  )
}

export const makeVerifiedTokens = (now: () => number): VerifiedTokens => {
  let current = 0
  const tokens = new LRUCache<string, VerifiedToken>({
    max: MAX_TOKENS,
    maxSize: MAX_BYTES,
    sizeCalculation: bytesOf,
  })
  return {
    get: (key) => {
      const token = tokens.get(key)
      if (token === undefined || now() < token.goodUntilMs) return token
      tokens.delete(key)
      return undefined
    },
    generation: () => current,
    keep: (key, token, generation) => {
      if (generation === current) tokens.set(key, token)
    },
    clear: () => {
      current += 1
      tokens.clear()
    },
    count: () => tokens.size,
  }
}
