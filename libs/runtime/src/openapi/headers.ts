import type { HeaderRules } from '../http/route.ts'
import type { Header } from './document.ts'

const REQUEST_ID = { 'x-request-id': 'Of this request: the one it came with, if that is a decent one.' }

const RATE = {
  ratelimit: 'How many requests are left to this principal, and when all are again.',
  'ratelimit-policy': 'How many requests a principal has in which time.',
}

/** What the answers of all handlers have. */
export const ofHandlers = (rules: HeaderRules): HeaderRules => ({
  ...rules,
  headers: { ...rules.headers, ...REQUEST_ID, ...RATE },
})

/** What the answers have that may come before it is known who asks. */
export const ofDoor = (rules: HeaderRules): HeaderRules => ({
  headers: { ...rules.headers, ...REQUEST_ID },
  optionalHeaders: { ...rules.optionalHeaders, ...RATE },
})

const ODD_NAMES: Readonly<Record<string, string>> = {
  etag: 'ETag',
  ratelimit: 'RateLimit',
  'ratelimit-policy': 'RateLimit-Policy',
  'www-authenticate': 'WWW-Authenticate',
}

/** `idempotency-key`: `Idempotency-Key`. */
export const headerName = (name: string): string =>
  ODD_NAMES[name] ?? name.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase())

const toHeaders = (rules: Readonly<Record<string, string>>, required: boolean): [string, Header][] =>
  Object.entries(rules).map(([name, description]) => [
    headerName(name),
    { description, required, schema: { type: 'string' } },
  ])

export const headersOf = ({ headers, optionalHeaders }: HeaderRules): Record<string, Header> =>
  Object.fromEntries([...toHeaders(headers ?? {}, true), ...toHeaders(optionalHeaders ?? {}, false)])
