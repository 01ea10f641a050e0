import type { IncomingMessage } from 'node:http'

const SCHEME = 'bearer '

/**
 * The token of the Authorization header, as it was sent: empty when there is none behind `Bearer`. Undefined without
 * such a header, and with one of another scheme. The door lets no second one in. Nowhere else is a token looked for.
 */
export const bearerTokenOf = (request: IncomingMessage): string | undefined => {
  const { authorization } = request.headers
  if (authorization === undefined) return undefined
  const scheme = authorization.slice(0, SCHEME.length).toLowerCase()
  if (scheme === SCHEME) return authorization.slice(SCHEME.length).trim()
  return scheme === SCHEME.trim() ? '' : undefined
}
