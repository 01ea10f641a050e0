import { describe, expect, it } from '@jest/globals'
import { parseJsonBody, parseNdjsonBody } from '../../src/http/json-body.ts'

describe('lines', () => {
  it('may be as many as there may be, and no more', () => {
    expect(parseNdjsonBody(Buffer.from('1\n'.repeat(19_999)))).toHaveLength(19_999)
    expect(() => parseNdjsonBody(Buffer.from('1\n'.repeat(20_001)))).toThrow('more than 20000 lines')
  })

  it('that are empty count too', () => {
    expect(() => parseNdjsonBody(Buffer.from('\n'.repeat(500_000)))).toThrow('more than 20000 lines')
  })
})

describe('a string that does not end', () => {
  const CHARACTERS = {
    letters: 'c',
    'letters and escapes': 'c\\n',
    escapes: '\\u0041',
    backslashes: '\\\\',
    'other letters': 'ä😀',
  }
  const ENDS = { '': '', ' but has a control character': '\u0001"}', ' but has a wrong escape': '\\x"}' }
  const bodies = [40, 1_000_000].flatMap((length) =>
    Object.entries(CHARACTERS).flatMap(([name, piece]) =>
      Object.entries(ENDS).map(([how, end]): [string, string] => [
        `of ${length} bytes of ${name}${how}`,
        `{"reason":"${piece.repeat(length / Buffer.byteLength(piece))}${end}`,
      ]),
    ),
  )

  // One that is tried in each way it could be read takes hours.
  it.each(bodies)('%s is refused in no time', (_, text) => {
    const startedAt = performance.now()
    expect(() => parseJsonBody(Buffer.from(text))).toThrow(/unexpected "\\"" at line 1, column 11$/)
    expect(() => parseNdjsonBody(Buffer.from(`{}\n${text}`))).toThrow(/^line 2 is .* at line 1, column 11$/)
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})
