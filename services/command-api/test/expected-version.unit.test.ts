import { describe, expect, it } from '@jest/globals'
import { expectedVersionField } from '../src/http/expected-version.ts'

describe('Expected-Version', () => {
  it.each([
    ['any', undefined],
    ['none', [0]],
    ['0', [0]],
    ['17', [17]],
  ])('%s', (header, versions) => {
    expect(expectedVersionField.parse(header)).toEqual(versions && { type: 'versions', versions })
  })

  it.each([undefined, '', ' ', '-1', '1.5', '1e3', '0x1', 'Any', '"3"', '1, 2', '9'.repeat(16), '02'])(
    'refuses %p',
    (header) => {
      const parsed = expectedVersionField.safeParse(header)
      expect(parsed.error?.issues[0]?.message).toMatch(/none \(a new stream\) or any/)
    },
  )
})
