import type { IncomingMessage } from 'node:http'
import { problems, type ProblemError } from './problem.ts'

/**
 * Given twice, these say nothing: Node takes the first of some, joins others by a comma, and a proxy in front of us may have
 * believed the other one.
 */
const SINGLE = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'expected-version',
  'host',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'transfer-encoding',
  'x-request-id',
  'x-tenant-id',
])

/** An ordinary client sends some twenty; 16 KiB hold four thousand. */
const MAX_HEADERS = 200

const HOST = /^(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/

/** What is wrong with the headers as they were sent, before anybody reads one of them: 400, or 431 for too many. */
export const checkHeaders = (request: IncomingMessage): ProblemError | undefined => {
  const { rawHeaders, headers } = request
  if (rawHeaders.length > 2 * MAX_HEADERS)
    return problems.headersTooLarge(`there may be ${MAX_HEADERS} headers`)
  // Nearly always there are as many names as headers, so none is there twice.
  if (rawHeaders.length !== 2 * Object.keys(headers).length) {
    const repeated = findRepeated(rawHeaders)
    if (repeated !== undefined) return problems.badRequest(`${repeated} was given twice`)
  }
  return checkHost(request) ?? checkFraming(request)
}

const findRepeated = (rawHeaders: readonly string[]): string | undefined => {
  const seen = new Set<string>()
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? ''
    if (SINGLE.has(name) && seen.has(name)) return name
    seen.add(name)
  }
  return undefined
}

const checkHost = ({ headers: { host }, httpVersionMajor, httpVersionMinor }: IncomingMessage) => {
  if (httpVersionMajor < 1) return problems.badRequest('this HTTP version is too old')
  if (host === undefined) return httpVersionMinor === 0 ? undefined : problems.badRequest('Host is missing')
  return HOST.test(host) ? undefined : problems.badRequest('Host is not a host')
}

/** Node lets more pass than it understands: the body of `gzip, chunked` would come to us compressed. */
const checkFraming = ({ headers, httpVersionMinor }: IncomingMessage): ProblemError | undefined => {
  const coding = headers['transfer-encoding']
  if (coding === undefined) return undefined
  const isPlain = coding.toLowerCase() === 'chunked' && httpVersionMinor > 0
  return isPlain ? undefined : problems.badRequest('Transfer-Encoding may only be chunked, in HTTP/1.1')
}

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/

/** The client's own id of the request, if it can go into logs and headers as it is. */
export const parseRequestId = (given: string | undefined): string | undefined =>
  given !== undefined && REQUEST_ID.test(given) ? given : undefined

/** The id that the client gave its request, if it may have that one. */
export const clientsIdOf = ({ headers }: IncomingMessage): string | undefined => {
  const given = headers['x-request-id']
  return typeof given === 'string' ? parseRequestId(given) : undefined
}
