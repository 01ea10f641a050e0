import { describe, expect, it } from '@jest/globals'
import { parseNdjsonBody } from '../../src/http/json-body.ts'

describe('lines', () => {
  it('may be as many as there may be, and no more', () => {
    expect(parseNdjsonBody(Buffer.from('1\n'.repeat(19_999)))).toHaveLength(19_999)
    expect(() => parseNdjsonBody(Buffer.from('1\n'.repeat(20_001)))).toThrow('more than 20000 lines')
  })

  it('that are empty count too', () => {
    expect(() => parseNdjsonBody(Buffer.from('\n'.repeat(500_000)))).toThrow('more than 20000 lines')
  })
})
