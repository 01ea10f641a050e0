import { describe, expect, it } from '@jest/globals'
import { contexts, idField, parseStream, streamField, streamOf } from '@millrace/domain'
import fc from 'fast-check'

const isStream = (text: string): boolean => streamField.safeParse(text).success

describe('the name of a stream', () => {
  it('is whatever a context calls one of its streams, and of those nothing else', () => {
    const id = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'aZ9._:@~-', '/', '\0', ' ', 'ü', '\u200b'), maxLength: 6 }),
      fc.nat(140).map((length) => 'a'.repeat(length)),
    )
    fc.assert(
      fc.property(fc.constantFrom(...contexts), id, (context, text) => {
        const stream = streamOf(context, text)
        expect(isStream(stream)).toBe(idField.safeParse(text).success)
        expect(isStream(stream)).toBe(parseStream(stream) !== null)
      }),
    )
  })

  it.each(['orders.order', 'sales.sale-1', '$all', '$none', '__proto__', 'processes.process-a:b:1'])(
    'may be %s, whether there is one or not',
    (text) => {
      expect(isStream(text)).toBe(true)
    },
  )

  it.each(['', '-', '-a', 'a/b', '../b', 'a\0b', 'a\n', 'a-b\n', 'ü-1', '{"$ne":null}', 'a'.repeat(10_000)])(
    'is never %j',
    (text) => {
      expect(isStream(text)).toBe(false)
    },
  )
})
