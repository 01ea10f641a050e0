import type { IncomingMessage } from 'node:http'
import { problems } from '../http/problem.ts'

const NAME = 'authorization'
const SCHEME = 'bearer '

/** Node keeps the first of several Authorization headers and says nothing of the others. */
const refuseSecondHeader = (rawHeaders: readonly string[]): void => {
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length === NAME.length && name.toLowerCase() === NAME) count += 1
  }
  if (count > 1) throw problems.badRequest('send one Authorization header')
}

/**
 * The token of the Authorization header, as it was sent: empty when there is none behind `Bearer`. Undefined without
 * such a header, and with one of another scheme. 400 for two of them. Nowhere else is a token looked for.
 */
export const bearerTokenOf = (request: IncomingMessage): string | undefined => {
  const { authorization } = request.headers
  if (authorization === undefined) return undefined
  refuseSecondHeader(request.rawHeaders)
  const scheme = authorization.slice(0, SCHEME.length).toLowerCase()
  if (scheme === SCHEME) return authorization.slice(SCHEME.length).trim()
  return scheme === SCHEME.trim() ? '' : undefined
}
