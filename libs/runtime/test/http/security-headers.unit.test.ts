import { ServerResponse, IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it } from '@jest/globals'
import { makeSecurityHeaders } from '../../src/http/security-headers.ts'

const headersOf = (production: boolean) => {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  makeSecurityHeaders({ production })(response)
  return response.getHeaders()
}

describe('every answer', () => {
  it('is not to be guessed at, shown, framed, kept or read by other sites', () => {
    expect(headersOf(false)).toEqual({
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    })
  })

  it('asks for TLS from now on only in production', () => {
    expect(headersOf(true)['strict-transport-security']).toMatch(/^max-age=\d{8}; includeSubDomains$/)
  })
})
