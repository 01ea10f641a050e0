import { createHash } from 'node:crypto'
import type { Call, Reply } from '@millrace/runtime'

const etagOf = (body: unknown): string =>
  `"${createHash('sha256').update(JSON.stringify(body)).digest('base64url').slice(0, 22)}"`

const isUnchanged = (call: Call, etag: string): boolean => {
  const header = call.header('if-none-match')
  if (header === undefined) return false
  if (header.trim() === '*') return true
  return header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}

/** 200 with an ETag, or 304 without a body when the client has this very answer. */
export const cacheable = (call: Call, body: unknown): Reply => {
  const etag = etagOf(body)
  const headers = { etag, 'cache-control': 'no-cache' }
  return isUnchanged(call, etag) ? { status: 304, headers } : { status: 200, headers, body }
}
