import { z } from 'zod'
import { describeJsonFault } from './json-fault.ts'
import { problems, type FieldFault } from './problem.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true })
const JSON_TYPE = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i

/** The body as JSON; 415 for another content type, 400 for bytes that are not UTF-8 or not JSON. */
export const parseJsonBody = (raw: Buffer, contentType: string | undefined): unknown => {
  if (!JSON_TYPE.test(contentType ?? '')) {
    throw problems.unsupportedMediaType(
      `send application/json in UTF-8, not ${contentType ?? 'an unnamed type'}`,
    )
  }
  const text = decodeUtf8(raw)
  try {
    return JSON.parse(text)
  } catch {
    throw problems.badRequest(`the body is not JSON: ${describeJsonFault(text)}`)
  }
}

/** Each line as a value; empty lines count for nothing. */
export const parseNdjsonBody = (raw: Buffer): unknown[] =>
  decodeUtf8(raw)
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [parseLine(line, index + 1)]))

const parseLine = (line: string, number: number): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    throw problems.badRequest(`line ${number} is not JSON: ${describeJsonFault(line)}`)
  }
}

const decodeUtf8 = (raw: Buffer): string => {
  try {
    return UTF8.decode(raw)
  } catch {
    throw problems.badRequest('the body is not UTF-8')
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
