import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { describeJsonFault } from '../../src/http/json-fault.ts'
import { slowFault } from './slow-fault.ts'

const placeOf = (text: string, at: number): string => {
  const lines = text.slice(0, at).split('\n')
  return `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`
}

describe('the place of a fault', () => {
  it.each([
    ['{"a": x}', `unexpected "x" at line 1, column 7`],
    ['{"a": }', `unexpected "}" at line 1, column 7`],
    ['{a: 1}', `unexpected "a" at line 1, column 2`],
    ['{"a" 1}', `unexpected "1" at line 1, column 6`],
    ['{"a": 1,}', `unexpected "}" at line 1, column 9`],
    ['{"a": 1 "b": 2}', `unexpected "\\"" at line 1, column 9`],
    ['{,}', `unexpected "," at line 1, column 2`],
    ['[1,]', `unexpected "]" at line 1, column 4`],
    ['[1}', `unexpected "}" at line 1, column 3`],
    ['[1, 2', 'it ends too early, at line 1, column 6'],
    ['{"a":\n  [1,\n   {"b": tru}]}', `unexpected "t" at line 3, column 10`],
    ['{} {}', `unexpected "{" at line 1, column 4`],
    ['01', `unexpected "1" at line 1, column 2`],
    ['-', `unexpected "-" at line 1, column 1`],
    ['"a\nb"', `unexpected "\\"" at line 1, column 1`],
    ['"\\x"', `unexpected "\\"" at line 1, column 1`],
    ['😀', `unexpected "😀" at line 1, column 1`],
    [']', `unexpected "]" at line 1, column 1`],
    ['', 'it ends too early, at line 1, column 1'],
    ['  \n ', 'it ends too early, at line 2, column 2'],
  ])('in %j is told', (text, description) => {
    expect(() => JSON.parse(text) as unknown).toThrow()
    expect(describeJsonFault(text)).toBe(description)
  })

  it('is the end of a text that was cut anywhere', () => {
    const text = '{"a":[1,-2.5e+3,true,null,{}],"b":{"c":[]},"d":"e"}'
    for (let length = 0; length < text.length; length++) {
      const place = / column (\d+)$/.exec(describeJsonFault(text.slice(0, length)))?.[1]
      // A string, number or word that was cut is wrong as a whole.
      expect(text.slice(Number(place) - 1, length)).toMatch(
        /^("\w*|-|-2\.|-2\.5e\+?|\.|e\+?|t|tr|tru|n|nu|nul)?$/,
      )
    }
  })

  it('is where a parser stops that reads one character after the other', () => {
    const pieces = fc.constantFrom(
      ...'{}[]:,"\\-01.e+ \n\u0001cu',
      ...['"a"', '"":', '\\"', '\\u0041', '\\u004', '\\x', '-0.5e+3', 'true', 'nul', '[{"a":', '"b":[1,'],
    )
    const made = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(''))
    const spoilt = fc
      .tuple(fc.json(), fc.nat(), fc.oneof(pieces, fc.constant('')))
      .map(([json, at, piece]) => {
        const place = at % json.length
        return json.slice(0, place) + piece + json.slice(place + 1)
      })
    fc.assert(
      fc.property(fc.oneof(made, spoilt), (text) => {
        const at = slowFault(text)
        const parse = (): unknown => JSON.parse(text)
        if (at === undefined) expect(parse).not.toThrow()
        else {
          expect(parse).toThrow()
          expect(describeJsonFault(text)).toMatch(new RegExp(`at ${placeOf(text, at)}$`))
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['deep', '['.repeat(1_000_000)],
    ['long', `["${'\\n'.repeat(500_000)}", x]`],
  ])('is found in a %s text of 1 MB without growing slow', (_, text) => {
    const startedAt = performance.now()
    describeJsonFault(text)
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  })
})
