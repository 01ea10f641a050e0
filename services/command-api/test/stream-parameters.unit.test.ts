import { describe, expect, it } from '@jest/globals'
import { parseQuery, ProblemError } from '@millrace/runtime'
import { logParameters, streamParameters } from '../src/http/streams/parameters.ts'

const schemas = { stream: streamParameters, log: logParameters }

const outcomeOf = (route: keyof typeof schemas, text: string): unknown => {
  try {
    return parseQuery<unknown>(schemas[route], new URLSearchParams(text))
  } catch (error) {
    return error instanceof ProblemError ? error.problem.type : error
  }
}

describe('the parameters of a read', () => {
  it.each([
    ['stream', '', { count: 100, direction: 'forward' }],
    ['stream', 'from=1&count=1&direction=backward', { from: 1, count: 1, direction: 'backward' }],
    [
      'stream',
      'count=1000&from=999999999999999',
      { from: 999_999_999_999_999, count: 1000, direction: 'forward' },
    ],
    ['log', '', { count: 100 }],
    ['log', 'from=token&count=10', { from: 'token', count: 10 }],
  ] as const)('of a %s may be "%s"', (route, text, expected) => {
    expect(outcomeOf(route, text)).toEqual(expected)
  })

  const counts = [
    '',
    '0',
    '-1',
    '1001',
    '10000',
    '1.0',
    '1e2',
    '+1',
    '01',
    ' 1',
    '1 ',
    '0x1',
    '١',
    'many',
    'NaN',
  ]
  const versions = ['', '0', '-1', '1.5', '1e3', '01', '1000000000000000', 'end', '$', 'Infinity']
  it.each([
    ...counts.flatMap((count) => [
      ['stream', `count=${encodeURIComponent(count)}`] as const,
      ['log', `count=${encodeURIComponent(count)}`] as const,
    ]),
    ...versions.map((from) => ['stream', `from=${encodeURIComponent(from)}`] as const),
    ['stream', 'direction='],
    ['stream', 'direction=Forward'],
    ['stream', 'direction=up'],
    ['stream', 'direction=forward&direction=forward'],
    ['stream', 'count=1&count=1'],
    ['stream', 'from=1&from=2'],
    ['stream', 'limit=1'],
    ['stream', 'FROM=1'],
    ['stream', 'from[$gt]=1'],
    ['log', 'direction=forward'],
    ['log', 'from=a&from=b'],
    ['log', '__proto__=1'],
    ['log', 'constructor=1'],
  ] as const)('of a %s may not be "%s"', (route, text) => {
    expect(outcomeOf(route, text)).toBe('bad-request')
  })
})
