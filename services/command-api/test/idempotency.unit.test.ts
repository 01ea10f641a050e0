import { describe, expect, it } from '@jest/globals'
import { fingerprintOf, idempotencyKeyField } from '../src/http/idempotency.ts'

const callOf = (path: string, body: string) => ({ path, rawBody: Buffer.from(body) })

describe('Idempotency-Key', () => {
  it.each(['k', 'import:o-1:place', '"8e03978e-40d5-43dd-bc93-6894a57f9324"', '!~', 'k'.repeat(255)])(
    'may be %j',
    (key) => {
      expect(idempotencyKeyField.parse(key)).toBe(key)
    },
  )

  it.each([undefined, '', ' ', 'a b', 'k\t', 'k\n', 'ключ', 'k\u0000', 'k\u007f', 'k'.repeat(256)])(
    'may not be %j',
    (key) => {
      expect(idempotencyKeyField.safeParse(key).success).toBe(false)
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
