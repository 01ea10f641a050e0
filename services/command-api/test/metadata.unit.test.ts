import { describe, expect, it } from '@jest/globals'
import { metadataField } from '../src/http/metadata.ts'

const entries = (count: number, name: string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}${index}`, 'a']))

describe('the metadata of an event', () => {
  it('has 16 entries at most', () => {
    expect(metadataField.parse(entries(16, 'a'))).toEqual(entries(16, 'a'))
    expect(metadataField.safeParse(entries(17, 'a')).error?.issues[0]?.message).toBe('At most 16 entries')
  })

  it('is counted before its entries are looked at', () => {
    expect(metadataField.safeParse(entries(20_000, 'A')).error?.issues).toHaveLength(1)
  })

  it.each([
    ['a name of another form', { A: 'a' }],
    ['a name of its event', { source: 'a' }],
    ['a value that is no text', { a: 1 }],
    ['a value of 257 characters', { a: 'a'.repeat(257) }],
    ['a control character', { a: 'a\n' }],
    ['a list', ['a']],
    ['nothing', null],
    ['text', 'a'],
  ])('is refused with %s', (_, metadata) => {
    expect(metadataField.safeParse(metadata).success).toBe(false)
  })

  it('need not be there', () => {
    expect(metadataField.optional().parse(undefined)).toBeUndefined()
  })
})
