import { describe, expect, it } from '@jest/globals'
import { wholeNumber, wholeNumberOr } from '../../src/http/whole-number.ts'
import { makeJsonSchemas } from '../../src/openapi/json-schemas.ts'

const limit = wholeNumber({ min: 1, max: 200 })

describe('a whole number of a query', () => {
  it.each([
    ['1', 1],
    ['200', 200],
  ])('is %s', (text, value) => {
    expect(limit.parse(text)).toBe(value)
  })

  it.each(['', '0', '201', '-1', '+1', '01', '1.0', '1e2', '0x10', ' 1', '٣', '1'.repeat(16), 1])(
    'is not %j',
    (given) => {
      expect(limit.safeParse(given).success).toBe(false)
    },
  )

  it('names its bounds', () => {
    expect(limit.safeParse('201').error?.issues[0]?.message).toBe('must be a whole number from 1 to 200')
    expect(limit.safeParse('x').error?.issues[0]?.message).toBe('must be a whole number from 1 to 200')
  })

  it('is an integer to those who generate clients', () => {
    const described = makeJsonSchemas().input(
      wholeNumberOr(50, { min: 1, max: 200 }).describe('At most so many.'),
    )
    expect(described).toEqual({
      type: 'integer',
      minimum: 1,
      maximum: 200,
      default: 50,
      description: 'At most so many.',
    })
  })
})
