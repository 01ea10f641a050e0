import { describe, expect, it } from '@jest/globals'
import { parseExpectedVersion } from '../src/http/expected-version.ts'

describe('Expected-Version', () => {
  it.each([
    ['any', undefined],
    ['none', [0]],
    ['0', [0]],
    ['17', [17]],
  ])('%s', (header, versions) => {
    expect(parseExpectedVersion(header)).toEqual(versions && { type: 'versions', versions })
  })

  it.each([undefined, '', ' ', '-1', '1.5', '1e3', '0x1', 'Any', '"3"', '1, 2', '9'.repeat(16)])(
    'refuses %p',
    (header) => {
      expect(() => parseExpectedVersion(header)).toThrow(/Expected-Version/)
    },
  )
})
