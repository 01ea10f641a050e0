import type { ServerResponse } from 'node:http'

/**
 * What every answer says to a browser: do not guess the type, do not keep it, show nothing of it, in no frame, tell nobody
 * where you came from, and give it to no page of another site. There are no CORS headers, on purpose: pages of other origins
 * have no business here. A page of ours replaces the policy by its own.
 */
const ALWAYS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const

/** Half of what preload lists ask for: enough to matter, short enough to be undone. */
const HSTS_SECONDS = 15_768_000

/** `production` adds HSTS, since only there TLS is known to end in front of us; browsers ignore it on plain HTTP anyway. */
export const securityHeaders = (options: { production: boolean }): Readonly<Record<string, string>> =>
  options.production
    ? { ...ALWAYS, 'strict-transport-security': `max-age=${HSTS_SECONDS}; includeSubDomains` }
    : ALWAYS

/** Sets them on each response it is called with, before anything of the answer is known. */
export const makeSecurityHeaders = (options: { production: boolean }) => {
  const headers = Object.entries(securityHeaders(options))
  return (response: ServerResponse): void => {
    for (const [name, value] of headers) response.setHeader(name, value)
  }
}
