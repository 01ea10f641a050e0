import { describe, expect, it } from '@jest/globals'
import { parseMessageKey, toMessageKey } from '@millrace/events'

describe('message key', () => {
  it('is tenant and aggregate id, and the id may contain slashes', () => {
    expect(toMessageKey({ tenant: 'acme', key: 'o/17' })).toBe('acme/o/17')
    expect(parseMessageKey(Buffer.from('acme/o/17'))).toEqual({ tenant: 'acme', key: 'o/17' })
  })

  it.each([null, '', 'acme', '/o-17', 'acme/'])('is refused when it is %j', (key) => {
    expect(() => parseMessageKey(key)).toThrow(expect.objectContaining({ code: 'bad-key' }))
  })
})
