import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { bearerTokenOf } from './bearer-token.ts'
import { EVERY_SCOPE, type Principal } from './principal.ts'
import { TokenRefusal, unauthorized } from './refusal.ts'

const DEVELOPER: Principal = { id: 'dev', tenant: 'demo', scopes: EVERY_SCOPE }

const NEEDS_TOKEN =
  'only callers at localhost need no token in development; send that of .millrace/run.json, or call localhost'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Names of this machine that no other machine's DNS can give: https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
const LOOPBACK_NAME = /^(?:(?:[\w-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d*)?$/i

const READING = ['GET', 'HEAD']

const isOurOrigin = (origin: string): boolean =>
  LOOPBACK_NAME.test(/^https?:\/\/(.*)$/.exec(origin)?.[1] ?? '')

/**
 * A page of another site, in a browser of this machine, reaches loopback too: under its own name when that resolves to
 * 127.0.0.1 (DNS rebinding), or with a form. Either way the browser says whose it is; some only by `Origin`, which is
 * `null` for pages that hide it. A link to us may be followed: its site cannot read the answer.
 */
const isOfOtherSite = ({ method = 'GET', headers }: IncomingMessage): boolean => {
  if (headers.host !== undefined && !LOOPBACK_NAME.test(headers.host)) return true
  if (READING.includes(method)) return false
  const { origin, 'sec-fetch-site': site } = headers
  return site === 'cross-site' || (origin !== undefined && !isOurOrigin(origin))
}

/**
 * Development identity: services listen on loopback only, whoever calls without a token is the principal
 * `dev` of tenant `demo`, unless it is a page of another site; a token that is sent must be the printed one.
 */
export const developmentIdentity = (token: string | undefined) => {
  const expected = token === undefined ? undefined : digest(token)
  return (request: IncomingMessage): Principal => {
    const given = bearerTokenOf(request)
    if (given === undefined && request.headers.authorization === undefined) {
      if (isOfOtherSite(request)) throw unauthorized('nothing', NEEDS_TOKEN)
      return DEVELOPER
    }
    if (given !== undefined && expected !== undefined && timingSafeEqual(digest(given), expected))
      return DEVELOPER
    throw new TokenRefusal('development-token', 'not the token of this run')
  }
}
