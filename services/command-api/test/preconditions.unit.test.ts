import { describe, expect, it } from '@jest/globals'
import { ifMatchField, ifNoneMatchField } from '../src/http/preconditions.ts'

const versions = (...numbers: number[]) => ({ type: 'versions', versions: numbers })

describe('If-Match', () => {
  it.each([
    ['*', { type: 'exists' }],
    [' * ', { type: 'exists' }],
    ['"3"', versions(3)],
    ['"0"', versions(0)],
    ['"1", "2","3"', versions(1, 2, 3)],
    ['W/"3"', versions()],
    ['W/"3", "4"', versions(4)],
    ['"v3"', versions()],
    ['"-1"', versions()],
    ['"3.0"', versions()],
    ['"03"', versions()],
    ['"a,b", "3"', versions(3)],
    ['""', versions()],
    ['"999999999999999"', versions(999_999_999_999_999)],
    ['"9007199254740993"', versions()],
    [Array.from({ length: 16 }, () => '"1"').join(), versions(...Array.from({ length: 16 }, () => 1))],
  ])('understands %s', (header, expected) => {
    expect(ifMatchField.parse(header)).toEqual(expected)
  })

  it.each([
    '',
    '3',
    "'3'",
    '"3',
    '3"',
    '"3" "4"',
    '"3",',
    ',',
    '"a"b"',
    '*, "3"',
    'w/"3"',
    '"\u0000"',
    'garbage',
    Array.from({ length: 17 }, () => '"1"').join(),
  ])('refuses %j', (header) => {
    expect(ifMatchField.safeParse(header).success).toBe(false)
  })
})

describe('If-None-Match of a command', () => {
  it.each(['*', ' * '])('understands %j', (header) => {
    expect(ifNoneMatchField.parse(header)).toEqual(versions(0))
  })

  it.each(['', '"0"', '"3"', 'W/"3"', '*, "3"', '**'])('refuses %j', (header) => {
    expect(ifNoneMatchField.safeParse(header).success).toBe(false)
  })
})
