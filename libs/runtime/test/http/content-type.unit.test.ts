import { describe, expect, it } from '@jest/globals'
import { checkContentEncoding, parseContentType } from '../../src/http/content-type.ts'

describe('a content type', () => {
  it.each([
    ['application/json', 'json'],
    ['Application/JSON', 'json'],
    ['application/json;charset=utf-8', 'json'],
    ['application/json; charset="UTF-8" ', 'json'],
    ['application/x-ndjson', 'ndjson'],
    ['application/x-ndjson; charset=utf-8', 'ndjson'],
  ])('%j is %s', (given, type) => {
    expect(parseContentType(given)).toBe(type)
  })

  it.each([
    ...[
      'text/plain',
      'application/json; charset=utf-7',
      'application/json; charset=utf-16',
      'application/jsonp',
    ],
    ...[
      'application/json; charset=utf-8; charset=utf-7',
      'application/json, text/plain',
      'application/json;',
    ],
    ...[
      'application/json; boundary=x',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'json',
      '',
    ],
    ...['application/merge-patch+json', ' application/json\u0000', `application/json${' '.repeat(10_000)}x`],
    undefined,
  ])('%j is none that is taken', (given) => {
    expect(parseContentType(given)).toBeUndefined()
  })
})

describe('a content encoding', () => {
  it('is refused, with what would be taken', () => {
    for (const given of ['gzip', 'br', 'deflate', 'identity, gzip', ''])
      expect(checkContentEncoding(given)?.problem).toMatchObject({
        status: 415,
        headers: { 'accept-encoding': 'identity' },
      })
    for (const given of [undefined, 'identity', 'Identity'])
      expect(checkContentEncoding(given)).toBeUndefined()
  })
})
