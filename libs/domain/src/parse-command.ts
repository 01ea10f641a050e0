import type { z } from 'zod'
import type { AnyCommand, AnyContext } from './context.ts'
import { idField } from './fields.ts'

export type ParsedCommand =
  | { readonly type: 'parsed'; readonly command: AnyCommand }
  | { readonly type: 'unknown-command' }
  | { readonly type: 'invalid'; readonly issues: readonly z.core.$ZodIssue[] }

/** The one door from outside data to a command that may be passed to the context's `decide`. */
export const parseCommand = (context: AnyContext, input: AnyCommand): ParsedCommand => {
  const schema = Object.hasOwn(context.commands, input.type) ? context.commands[input.type] : undefined
  if (schema === undefined) return { type: 'unknown-command' }

  const id = idField.safeParse(input.id)
  const body = schema.safeParse(input.body)
  const issues = [...issuesUnder('id', id), ...issuesUnder('body', body)]
  if (issues.length > 0) return { type: 'invalid', issues }
  return { type: 'parsed', command: { ...input, body: body.data } }
}

const issuesUnder = (field: string, result: z.ZodSafeParseResult<unknown>): z.core.$ZodIssue[] =>
  (result.error?.issues ?? []).map((issue) => ({ ...issue, path: [field, ...issue.path] }))
