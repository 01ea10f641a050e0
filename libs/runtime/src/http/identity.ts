import { createHash, timingSafeEqual } from 'node:crypto'
import type { Principal } from './principal.ts'
import { problems } from './problem.ts'

const DEVELOPER: Principal = { id: 'dev', tenant: 'demo', mayImport: true }

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Development identity: services listen on loopback only, whoever calls without a token is the principal
 * `dev` of tenant `demo`; a token that is sent must be the printed one.
 */
export const developmentIdentity = (token: string | undefined) => {
  const expected = token === undefined ? undefined : digest(token)
  return (authorization: string | undefined): Principal => {
    if (authorization === undefined) return DEVELOPER
    const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
    if (given !== undefined && expected !== undefined && timingSafeEqual(digest(given), expected))
      return DEVELOPER
    throw problems.unauthorized('the bearer token is not valid', {
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
    })
  }
}
