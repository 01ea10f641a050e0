import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { duplicateName } from '../../src/identity/duplicate-name.ts'

describe('a name that stands twice', () => {
  it.each([
    ['{"a":1,"a":2}', 'a'],
    ['{"a":1 , "b":{} ,"a" : 2}', 'a'],
    [String.raw`{"a":1,"\u0061":2}`, 'a'],
    ['{"b":{"a":1,"a":1}}', 'a'],
    ['[{},{"a":[{"c":1,"c":1}]}]', 'c'],
    ['{"":1,"":2}', ''],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
    [String.raw`{"\"":1,"x":"\"","\u0022":2}`, '"'],
  ])('is found in %s', (text, name) => {
    expect(duplicateName(text)).toBe(name)
  })

  it.each([
    '{"a":{"a":1},"b":[{"a":1},{"a":2}]}',
    '{"a":"a","b":"a"}',
    '{"a":["a","a"]}',
    String.raw`{"a":"\",\"a\":","b":"{"}`,
    '{"a":1,"A":2}',
    '"a"',
    '[]',
  ])('is not in %s', (text) => {
    expect(duplicateName(text)).toBeUndefined()
  })

  it('is never in what JSON.stringify writes, and always when a member is put there again', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), fc.nat(), (value, chosen) => {
        const text = JSON.stringify(value)
        expect(duplicateName(text)).toBeUndefined()
        const names = Object.keys(value)
        const name = names[chosen % names.length] ?? ''
        expect(duplicateName(`${text.slice(0, -1)},${JSON.stringify(name)}:0}`)).toBe(name)
      }),
    )
  })
})
