import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { bearerTokenOf } from './bearer-token.ts'
import { EVERY_SCOPE, type Principal } from './principal.ts'
import { TokenRefusal } from './refusal.ts'

const DEVELOPER: Principal = { id: 'dev', tenant: 'demo', scopes: EVERY_SCOPE }

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Development identity: services listen on loopback only, whoever calls without a token is the principal
 * `dev` of tenant `demo`; a token that is sent must be the printed one.
 */
export const developmentIdentity = (token: string | undefined) => {
  const expected = token === undefined ? undefined : digest(token)
  return (request: IncomingMessage): Principal => {
    const given = bearerTokenOf(request)
    if (given === undefined && request.headers.authorization === undefined) return DEVELOPER
    if (given !== undefined && expected !== undefined && timingSafeEqual(digest(given), expected))
      return DEVELOPER
    throw new TokenRefusal('development-token', 'not the token of this run')
  }
}
