import { z } from 'zod'
import { describeJsonFault } from './json-fault.ts'
import { problems, type FieldFault } from './problem.ts'
import { scanJson } from './scan-json.ts'

/** Looks at the bytes first: 400 for what a parser would pass on or could not bear. Then they are UTF-8. */
const scan = (raw: Buffer): string => {
  const fault = scanJson(raw)
  if (fault) throw problems.badRequest(`the body has ${fault.reason}, at byte ${fault.offset}`)
  return raw.toString('utf8')
}

/** The body as JSON; 400 for bytes that are not UTF-8, not JSON, or not to be trusted. */
export const parseJsonBody = (raw: Buffer): unknown => {
  const text = scan(raw)
  try {
    return JSON.parse(text)
  } catch {
    throw problems.badRequest(`the body is not JSON: ${describeJsonFault(text)}`)
  }
}

/** Far above what any route takes; the scan does not count values that only a line break parts. */
const MAX_LINES = 20_000

/** Each line as a value; empty lines are none, though they count. */
export const parseNdjsonBody = (raw: Buffer): unknown[] => {
  const lines = scan(raw).split('\n', MAX_LINES + 1)
  if (lines.length > MAX_LINES) throw problems.badRequest(`the body has more than ${MAX_LINES} lines`)
  return lines.flatMap((line, index) => (line.trim() === '' ? [] : [parseLine(line, index + 1)]))
}

const parseLine = (line: string, number: number): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    throw problems.badRequest(`line ${number} is not JSON: ${describeJsonFault(line)}`)
  }
}

const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

const faultsOf = (issue: z.core.$ZodIssue): FieldFault[] => {
  if (issue.code !== 'unrecognized_keys') return [{ pointer: pointerOf(issue.path), detail: issue.message }]
  return issue.keys.map((key) => ({ pointer: pointerOf([...issue.path, key]), detail: 'unknown field' }))
}

/** More would only make the answer larger than the request. */
const MAX_FAULTS = 20

/** Where and why a value is not what `schema` says; empty when it is. */
export const schemaFaults = (schema: z.ZodType, value: unknown): FieldFault[] =>
  schema.safeParse(value).error?.issues.flatMap(faultsOf) ?? []

/** Value as `schema` says, or a 400 that names its faults by JSON pointer. Nothing is coerced or dropped. */
export const parseAs = <T>(schema: z.ZodType<T>, value: unknown): T => {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.flatMap(faultsOf).slice(0, MAX_FAULTS)
  const first = errors[0]
  throw problems.invalidBody(
    first ? `${first.pointer || 'the body'}: ${first.detail}` : 'the body does not fit',
    { errors },
  )
}
