import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from '@jest/globals'
import { checkHeaders, parseRequestId } from '../../src/http/check-headers.ts'

/** As Node has it: of most names that are given twice it keeps the first or joins them. */
const request = (lines: readonly string[], version = '1.1'): IncomingMessage => {
  const pairs = lines.map((line) => /^(.*?): ?(.*)$/.exec(line)?.slice(1) as [string, string])
  const headers: Record<string, string> = {}
  for (const [name, value] of pairs) headers[name.toLowerCase()] ??= value
  const [httpVersionMajor, httpVersionMinor] = version.split('.').map(Number)
  return {
    rawHeaders: pairs.flat(),
    headers,
    httpVersionMajor,
    httpVersionMinor,
  } as unknown as IncomingMessage
}
const faultOf = (lines: readonly string[], version?: string) => {
  const problem = checkHeaders(request(lines, version))?.problem
  return problem && [problem.status, problem.detail]
}

describe('a header that is given twice', () => {
  it.each([
    ...['Authorization', 'Content-Type', 'Content-Length', 'Content-Encoding', 'Idempotency-Key', 'If-Match'],
    ...['Expected-Version', 'Host', 'X-Request-Id', 'X-Tenant-Id', 'Transfer-Encoding', 'If-None-Match'],
  ])('is refused: %s', (name) => {
    const twice = [`Host: x`, `${name}: chunked`, `X-Other: 1`, `${name.toUpperCase()}: chunked`]
    expect(faultOf(twice)).toEqual([400, `${name.toLowerCase()} was given twice`])
  })

  it('may be one that lists', () => {
    expect(faultOf(['Host: x', 'Accept: a/b', 'accept: c/d', 'Via: 1.1 a', 'Via: 1.1 b'])).toBeUndefined()
  })
})

describe('headers', () => {
  it('of an ordinary request pass', () => {
    expect(
      faultOf([
        'Host: localhost',
        'Authorization: Bearer x',
        'Content-Type: application/json',
        'Content-Length: 2',
      ]),
    ).toBeUndefined()
  })

  it('are refused above two hundred: 431', () => {
    const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `X-${index}: a`)
    expect(faultOf(['Host: x', ...many(199)])).toBeUndefined()
    expect(faultOf(['Host: x', ...many(200)])).toEqual([431, expect.any(String)])
  })

  it.each(['localhost', 'localhost:3001', '127.0.0.1:80', '[::1]:3001', '[::1]', 'a-b.example.org:', ''])(
    'may name the host %j',
    (host) => {
      expect(faultOf([`Host: ${host}`])).toBeUndefined()
    },
  )

  it.each([
    'a b',
    'a/b',
    'user@host',
    'a:b',
    'host:123456',
    'a,b c',
    '[::1',
    'ä',
    '<x>',
    'a?b',
    'a#b',
    'a\\b',
  ])('may not name the host %j', (host) => {
    expect(faultOf([`Host: ${host}`])).toEqual([400, 'Host is not a host'])
  })

  it('must name a host, except in HTTP/1.0', () => {
    expect(faultOf([])).toEqual([400, 'Host is missing'])
    expect(faultOf([], '1.0')).toBeUndefined()
    expect(faultOf([], '0.9')).toEqual([400, 'this HTTP version is too old'])
  })

  it.each([
    ['chunked', '1.1', true],
    ['Chunked', '1.1', true],
    ['gzip, chunked', '1.1', false],
    ['chunked, chunked', '1.1', false],
    ['', '1.1', false],
    ['chunked', '1.0', false],
  ])('with Transfer-Encoding %j in HTTP/%s pass: %s', (coding, version, passes) => {
    expect(faultOf(['Host: x', `Transfer-Encoding: ${coding}`], version) === undefined).toBe(passes)
  })
})

describe('a request id', () => {
  it('of the client is kept if it can stand in a log and in a header', () => {
    expect(parseRequestId('trace:1.A_b-c')).toBe('trace:1.A_b-c')
    for (const bad of [undefined, '', 'a b', 'ä', 'x'.repeat(129), '"', 'a\n', 'a\u001b[0m', '${jndi:x}'])
      expect(parseRequestId(bad)).toBeUndefined()
  })
})
