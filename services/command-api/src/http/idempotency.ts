import { createHash } from 'node:crypto'
import { problems, type Call } from '@millrace/runtime'

const KEY = /^[\x21-\x7e]{1,255}$/

/** The Idempotency-Key header; 400 when it is missing or not 1 to 255 visible ASCII characters. */
export const idempotencyKeyOf = (call: Call): string => {
  const key = call.header('idempotency-key')
  if (key === undefined || key === '') {
    throw problems.badRequest(
      'send an Idempotency-Key header: a new one per command, the same one for a repetition',
    )
  }
  if (!KEY.test(key)) throw problems.badRequest('Idempotency-Key must be 1 to 255 visible ASCII characters')
  return key
}

export const fingerprintOf = (call: Call): string =>
  createHash('sha256').update(call.path).update('\0').update(call.rawBody).digest('base64url')
