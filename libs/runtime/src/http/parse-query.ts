import type { z } from 'zod'
import { problems } from './problem.ts'

/** Far above what any route knows. */
const MAX_PARAMETERS = 64

/**
 * The parameters as the closed `schema` of strings says. 400 for one that is given twice, since nobody knows which was
 * meant, for one the schema does not know, for a value that does not fit, and for more than 64.
 */
export const parseQuery = <T>(schema: z.ZodType<T>, query: URLSearchParams): T => {
  if (query.size > MAX_PARAMETERS)
    throw problems.badRequest(`there may be ${MAX_PARAMETERS} parameters at most`)
  const names = new Set<string>()
  for (const name of query.keys()) {
    if (names.has(name)) throw problems.badRequest(`the parameter ${JSON.stringify(name)} may be given once`)
    names.add(name)
  }
  return parseParameters(schema, Object.fromEntries(query))
}

/** The same for values that have names of ours: parts of the path, headers. */
export const parseParameters = <T>(schema: z.ZodType<T>, values: unknown): T => {
  const parsed = schema.safeParse(values)
  if (parsed.success) return parsed.data
  throw problems.badRequest(describe(parsed.error.issues[0]))
}

const describe = (issue: z.core.$ZodIssue | undefined): string => {
  if (issue?.code === 'unrecognized_keys')
    return `there is no parameter ${JSON.stringify(issue.keys[0] ?? '')} here`
  return issue ? `${issue.path.join('.')}: ${issue.message}` : 'the parameters do not fit'
}
