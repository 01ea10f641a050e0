// Trace context of the W3C (Level 1). What cannot be understood is ignored, as the recommendation says: the request
// belongs to a new trace then, and nothing of any size or content goes on into events and logs.

import { randomUUID } from 'node:crypto'

export type TraceContext = { readonly traceparent: string; readonly tracestate?: string }

// What later versions append begins with a dash.
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/
const LENGTH = 55
/** More than anybody sends, for versions that are not yet written. */
const MAX_LENGTH = 256

/** As version 00, which is what we write on; undefined when it has to be ignored. */
export const parseTraceparent = (given: string | undefined): string | undefined => {
  if (given === undefined || given.length > MAX_LENGTH || !TRACEPARENT.test(given)) return undefined
  if (!given.startsWith('00')) return `00${given.slice(2, LENGTH)}`
  return given.length === LENGTH ? given : undefined
}

const MAX_TRACESTATE = 512
const MAX_MEMBERS = 32
const MEMBER =
  /^[ \t]*(?:(?:[a-z0-9][a-z0-9_*/@-]{0,255})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e])?[ \t]*$/

/** Of at most 512 characters and 32 members; undefined when it has to be ignored. */
export const parseTracestate = (given: string | undefined): string | undefined => {
  if (given === undefined || given === '' || given.length > MAX_TRACESTATE) return undefined
  const members = given.split(',')
  return members.length <= MAX_MEMBERS && members.every((member) => MEMBER.test(member)) ? given : undefined
}

/** State without a parent belongs to nobody. */
export const parseTraceContext = (headers: {
  readonly traceparent?: string | string[] | undefined
  readonly tracestate?: string | string[] | undefined
}): TraceContext | undefined => {
  const traceparent = parseTraceparent(singleOf(headers.traceparent))
  if (traceparent === undefined) return undefined
  const tracestate = parseTracestate(singleOf(headers.tracestate))
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate }
}

const singleOf = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.join(',')

/** Of a random UUID: Node keeps a stock of them, so that one is cheaper than random bytes. */
const randomHex = (): string => {
  const id = randomUUID()
  return id.slice(0, 8) + id.slice(9, 13) + id.slice(14, 18) + id.slice(19, 23) + id.slice(24)
}

/** The beginning of a trace that nobody records yet. */
export const newTraceparent = (): string => `00-${randomHex()}-${randomHex().slice(16)}-00`
