import { describe, expect, it } from '@jest/globals'
import { ProblemError, type Call } from '@millrace/runtime'
import { fingerprintOf, idempotencyKeyOf } from '../src/http/idempotency.ts'

const callWith = (key: string | undefined): Call =>
  ({ header: (name: string) => (name === 'idempotency-key' ? key : undefined) }) as unknown as Call

const callOf = (path: string, body: string): Call => ({ path, rawBody: Buffer.from(body) }) as unknown as Call

describe('Idempotency-Key', () => {
  it.each(['k', 'import:o-1:place', '"8e03978e-40d5-43dd-bc93-6894a57f9324"', '!~', 'k'.repeat(255)])(
    'may be %j',
    (key) => {
      expect(idempotencyKeyOf(callWith(key))).toBe(key)
    },
  )

  it.each([undefined, '', ' ', 'a b', 'k\t', 'k\n', 'ключ', 'k\u0000', 'k\u007f', 'k'.repeat(256)])(
    'may not be %j',
    (key) => {
      expect(() => idempotencyKeyOf(callWith(key))).toThrow(ProblemError)
    },
  )
})

describe('the fingerprint of a request', () => {
  it('is the same for the same path and bytes', () => {
    expect(fingerprintOf(callOf('/orders/o-1/pay', '{}'))).toBe(
      fingerprintOf(callOf('/orders/o-1/pay', '{}')),
    )
  })

  it('differs with the path, the body, and where one ends and the other begins', () => {
    const prints = [
      callOf('/orders/o-1/pay', '{}'),
      callOf('/orders/o-1/ship', '{}'),
      callOf('/orders/o-1/pay', '{ }'),
      callOf('/orders/o-1/pay{', '}'),
    ].map(fingerprintOf)
    expect(new Set(prints).size).toBe(prints.length)
  })
})
