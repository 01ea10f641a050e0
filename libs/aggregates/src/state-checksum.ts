import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'

/** SHA-256, in hex, of a state as canonical JSON (RFC 8785); throws for what JSON cannot write. */
export const checksumOf = (state: unknown): string => {
  const text = canonicalize(state)
  if (text === undefined) throw new Error('a state must be a JSON value')
  return createHash('sha256').update(text).digest('hex')
}
