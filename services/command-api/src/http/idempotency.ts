import { createHash } from 'node:crypto'
import { z } from 'zod'

/** The Idempotency-Key header: 1 to 255 visible ASCII characters. */
export const idempotencyKeyField = z
  .string({ error: 'send an Idempotency-Key: a new one per command, the same one for a repetition' })
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
  .describe('A new one for each command, the same one when its answer was lost.')

/** What a key was used for: path and bytes. */
export const fingerprintOf = (call: { readonly path: string; readonly rawBody: Buffer }): string =>
  createHash('sha256').update(call.path).update('\0').update(call.rawBody).digest('base64url')
