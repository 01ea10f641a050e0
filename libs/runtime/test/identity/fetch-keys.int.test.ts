import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { exportJWK } from 'jose'
import { fetchKeys } from '../../src/identity/fetch-keys.ts'
import { weakKey } from './bad-tokens.ts'
import { makeKey, openProvider, type Provider, type SigningKey } from './identity-fixture.ts'

let es: SigningKey
let provider: Provider
beforeAll(async () => {
  es = await makeKey('ES256', 'k-es')
  provider = await openProvider([])
})
afterAll(() => provider.close())
beforeEach(() => {
  provider.keys = [es.jwk]
  provider.answer = undefined
  provider.asked.length = 0
})

const kidsOf = async (): Promise<(string | undefined)[]> =>
  (await fetchKeys(provider.url)).map(({ jwk }) => jwk.kid)

describe('keys of a provider', () => {
  it('are those that are fit for use', async () => {
    const rs = await makeKey('RS256', 'k-rs')
    const ed = await makeKey('EdDSA', 'k-ed')
    provider.keys = [
      weakKey,
      { ...(await exportJWK(rs.privateKey)), kid: 'k-private' },
      { kty: 'oct', k: 'c2VjcmV0', kid: 'k-secret' },
      { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid: 'k-nowhere' },
      { kty: 'EC', crv: 'P-256', kid: 'k-half' },
      es.jwk,
      rs.jwk,
      ed.jwk,
    ]
    expect(await kidsOf()).toEqual(['k-es', 'k-rs', 'k-ed'])
  })

  it('are told apart by name and by what they are', async () => {
    const other = await makeKey('ES256', 'k-es')
    provider.keys = [es.jwk, other.jwk, { ...es.jwk, kid: 'k-2' }, es.jwk]
    const fingerprints = (await fetchKeys(provider.url)).map(({ fingerprint }) => fingerprint)
    expect(new Set(fingerprints).size).toBe(3)
  })
})

describe('a provider gives no keys when it', () => {
  const send =
    (status: number, body: string, headers: Record<string, string> = {}) =>
    (_: unknown, response: ServerResponse): void =>
      void response.writeHead(status, headers).end(body)

  it.each([
    ['fails', send(500, '{}'), /answered 500/],
    ['has nothing there', send(404, ''), /answered 404/],
    ['sends something else', send(200, '<html>'), /JSON/],
    ['sends another shape', send(200, '{"keys":{}}'), /keys/],
    ['sends more than 100', send(200, JSON.stringify({ keys: Array(101).fill({}) })), /keys/],
    ['has none that is fit', send(200, JSON.stringify({ keys: [weakKey] })), /no key/],
  ])('%s', async (_, answer, message) => {
    provider.answer = answer
    await expect(fetchKeys(provider.url)).rejects.toThrow(message)
  })

  it('sends us elsewhere: nobody is asked there', async () => {
    provider.answer = (request, response) => {
      if (request.url === '/') send(302, '', { location: '/elsewhere' })(request, response)
      else send(200, JSON.stringify({ keys: [es.jwk] }))(request, response)
    }
    await expect(fetchKeys(provider.url)).rejects.toThrow()
    expect(provider.asked).toEqual(['/'])
  })

  it('never stops sending: it is cut off', async () => {
    const cut = Promise.withResolvers<void>()
    let sentBytes = 0
    provider.answer = (_, response) => {
      response.on('close', cut.resolve)
      const more = (): void => {
        if (response.destroyed) return
        sentBytes += 65_536
        response.write('x'.repeat(65_536), () => setImmediate(more))
      }
      more()
    }
    await expect(fetchKeys(provider.url)).rejects.toThrow(/more than/)
    await cut.promise
    expect(sentBytes).toBeLessThan(64 * 1024 * 1024)
  })

  it.each([
    ['does not answer', () => undefined],
    ['begins an answer and does not end it', (response: ServerResponse) => void response.write('{"keys":')],
  ])('%s in time', async (_, begin) => {
    const cut = Promise.withResolvers<void>()
    provider.answer = (_request, response) => {
      response.on('close', cut.resolve)
      begin(response)
    }
    await expect(fetchKeys(provider.url, 100)).rejects.toThrow(/timeout/)
    await cut.promise
  })
})
