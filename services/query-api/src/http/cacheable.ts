import { createHash } from 'node:crypto'
import type { Call, Reply, ReplyRule } from '@millrace/runtime'
import { z } from 'zod'

const etagOf = (body: unknown): string =>
  `"${createHash('sha256').update(JSON.stringify(body)).digest('base64url').slice(0, 22)}"`

export const conditional = z.object({
  'if-none-match': z.string().optional().describe('The ETag of the answer that the client has.'),
})

type ConditionalCall = Call<unknown, unknown, z.output<typeof conditional>>

/** `optionalHeaders`: those that some of its answers have. */
export const cacheableReply = (
  description: string,
  schema: z.ZodType,
  optionalHeaders: Readonly<Record<string, string>> = {},
): Record<200 | 304, ReplyRule> => ({
  200: { description, schema, headers: { etag: 'Of this very answer.' }, optionalHeaders },
  304: { description: 'The client has this very answer', headers: { etag: 'Its ETag.' }, optionalHeaders },
})

const isUnchanged = (call: ConditionalCall, etag: string): boolean => {
  const header = call.headers['if-none-match']
  if (header === undefined) return false
  if (header.trim() === '*') return true
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}

/**
 * 200 with an ETag, or 304 without a body when the client has this very answer. Only the client may keep it: it is one
 * tenant's, and a shared cache tells tenants apart by their `Authorization` at best.
 */
export const cacheable = (
  call: ConditionalCall,
  body: unknown,
  more: Readonly<Record<string, string>> = {},
): Reply => {
  const etag = etagOf(body)
  const headers = { etag, 'cache-control': 'private, no-cache', ...more }
  return isUnchanged(call, etag) ? { status: 304, headers } : { status: 200, headers, body }
}
