import { z } from 'zod'
import { problems, type FieldFault } from './problem.ts'
import { messageOf } from '../platform-error.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true })
const JSON_TYPE = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i

/** The body as JSON; 415 for another content type, 400 for bytes that are not UTF-8 or not JSON. */
export const parseJsonBody = (raw: Buffer, contentType: string | undefined): unknown => {
  if (!JSON_TYPE.test(contentType ?? '')) {
    throw problems.unsupportedMediaType(
      `send application/json in UTF-8, not ${contentType ?? 'an unnamed type'}`,
    )
  }
  try {
    return JSON.parse(UTF8.decode(raw))
  } catch (error) {
    throw problems.badRequest(`the body is not JSON: ${messageOf(error)}`)
  }
}

const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

const faultsOf = (issue: z.core.$ZodIssue): FieldFault[] => {
  if (issue.code !== 'unrecognized_keys') return [{ pointer: pointerOf(issue.path), detail: issue.message }]
  return issue.keys.map((key) => ({ pointer: pointerOf([...issue.path, key]), detail: 'unknown field' }))
}

/** Value as `schema` says, or a 400 that names every fault by JSON pointer. Nothing is coerced or dropped. */
export const parseAs = <T>(schema: z.ZodType<T>, value: unknown): T => {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.flatMap(faultsOf)
  const first = errors[0]
  throw problems.invalidBody(
    first ? `${first.pointer || 'the body'}: ${first.detail}` : 'the body does not fit',
    { errors },
  )
}
