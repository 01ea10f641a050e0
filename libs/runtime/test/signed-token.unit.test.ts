import { describe, expect, it } from '@jest/globals'
import { createTokenSigner } from '../src/signed-token.ts'

const signer = createTokenSigner('s'.repeat(32))
const SCOPE = { purpose: 'position', tenant: 'demo' }
const CONTENT = { commitId: '0197-ä', version: 3, parts: [null, 'x'] }
const token = signer.sign(SCOPE, CONTENT)

const flipBit = (place: number): string => {
  const bytes = Buffer.from(token, 'base64url')
  bytes[place] = (bytes[place] ?? 0) ^ 1
  return bytes.toString('base64url')
}

describe('a token', () => {
  it('gives its content back to the scope it was signed for', () => {
    expect(signer.verify(SCOPE, token)).toEqual(CONTENT)
  })

  it('of another process with the same secret is as good', () => {
    expect(createTokenSigner('s'.repeat(32)).verify(SCOPE, token)).toEqual(CONTENT)
  })

  it('can stand in a URL as it is', () => {
    expect(encodeURIComponent(token)).toBe(token)
  })

  it.each([
    ['of another tenant', { ...SCOPE, tenant: 'other' }],
    ['for another purpose', { ...SCOPE, purpose: 'cursor' }],
    ['with purpose and tenant run together', { purpose: 'positiondemo', tenant: '' }],
  ])('is refused %s', (_, scope) => {
    expect(signer.verify(scope, token)).toBeUndefined()
  })

  it('is refused when any bit of it was changed', () => {
    const { length } = Buffer.from(token, 'base64url')
    for (let place = 0; place < length; place++) {
      expect(signer.verify(SCOPE, flipBit(place))).toBeUndefined()
    }
  })

  it('is refused at any shorter length', () => {
    for (let length = 0; length < token.length; length++) {
      expect(signer.verify(SCOPE, token.slice(0, length))).toBeUndefined()
    }
  })

  it.each(['', 'x', '=', '%%%', `${token}=`, `${token} `, ` ${token}`, `${token}AAAA`, 'ä'.repeat(40)])(
    'is refused when it is no token: %j',
    (text) => {
      expect(signer.verify(SCOPE, text)).toBeUndefined()
    },
  )

  it('of another secret is refused', () => {
    expect(createTokenSigner('t'.repeat(32)).verify(SCOPE, token)).toBeUndefined()
  })
})
