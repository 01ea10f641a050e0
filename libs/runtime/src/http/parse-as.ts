import { z } from 'zod'
import { problems, type FieldFault } from './problem.ts'

/** More would only make the answer larger than the request. */
const MAX_FAULTS = 20

type Parsed = { readonly data?: unknown; readonly issues: readonly z.core.$ZodIssue[] }

/** Where and why a value is not what `schema` says, 20 places at most; empty when it is. */
export const schemaFaults = (schema: z.ZodType, value: unknown): FieldFault[] =>
  faultsOf(parse(schema, value).issues)

/** Value as `schema` says, or a 400 that names its faults by JSON pointer. Nothing is coerced or dropped. */
export const parseAs = <T>(schema: z.ZodType<T>, value: unknown): T => {
  const { data, issues } = parse(schema, value)
  if (issues.length === 0) return data as T
  const errors = faultsOf(issues)
  const first = errors[0]
  throw problems.invalidBody(
    first ? `${first.pointer || 'the body'}: ${first.detail}` : 'the body does not fit',
    { errors },
  )
}

/** zod knows a missing field as one of the wrong type. */
const IN_OUR_WORDS: z.core.ParseContext<z.core.$ZodIssue> = {
  error: ({ code, input }) => (code === 'invalid_type' && input === undefined ? 'is missing' : undefined),
}

const parse = (schema: z.ZodType, value: unknown): Parsed => {
  if (schema instanceof z.ZodArray && Array.isArray(value) && value.length > MAX_FAULTS)
    return parseItems(schema, value)
  const { data, error } = schema.safeParse(value, IN_OUR_WORDS)
  return { data, issues: error?.issues ?? [] }
}

/** A bad item costs ten times as much as a good one: once the faults are enough, the others are not looked at. */
const parseItems = (schema: z.ZodArray, items: readonly unknown[]): Parsed => {
  const ofList = (schema.def.checks ?? []) as z.core.$ZodCheck<unknown[]>[]
  const list = z
    .array(z.unknown())
    .check(...ofList)
    .safeParse(items)
  if (!list.success) return list.error
  const data: unknown[] = []
  const issues: z.core.$ZodIssue[] = []
  for (const [index, item] of items.entries()) {
    if (issues.length >= MAX_FAULTS) break
    const parsed = z.safeParse(schema.element, item, IN_OUR_WORDS)
    data.push(parsed.data)
    for (const issue of parsed.error?.issues ?? []) issues.push({ ...issue, path: [index, ...issue.path] })
  }
  return { data, issues }
}

const faultsOf = (issues: readonly z.core.$ZodIssue[]): FieldFault[] =>
  issues.slice(0, MAX_FAULTS).flatMap(faultsAt).slice(0, MAX_FAULTS)

const faultsAt = (issue: z.core.$ZodIssue): FieldFault[] => {
  if (issue.code !== 'unrecognized_keys') return [{ pointer: pointerOf(issue.path), detail: issue.message }]
  return issue.keys
    .slice(0, MAX_FAULTS)
    .map((key) => ({ pointer: pointerOf([...issue.path, key]), detail: 'unknown field' }))
}

const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
