import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Opaque tokens handed to clients (cursors, positions): JSON, base64url, with an HMAC-SHA256 over purpose,
 * tenant and content, so that a token of another tenant, route or a changed one does not verify.
 */
export type TokenSigner = {
  sign(scope: TokenScope, content: unknown): string
  /** The content, or undefined when the token is malformed or was not signed for this scope. */
  verify(scope: TokenScope, token: string): unknown
}

export type TokenScope = { readonly purpose: string; readonly tenant: string }

const MAC_BYTES = 16

const decodeJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const createTokenSigner = (secret: string): TokenSigner => {
  const macOf = (scope: TokenScope, content: string): Buffer =>
    createHmac('sha256', secret)
      .update(JSON.stringify([scope.purpose, scope.tenant, content]))
      .digest()
      .subarray(0, MAC_BYTES)

  return {
    sign: (scope, content) => {
      const text = JSON.stringify(content)
      return Buffer.concat([macOf(scope, text), Buffer.from(text)]).toString('base64url')
    },
    verify: (scope, token) => {
      const bytes = Buffer.from(token, 'base64url')
      if (bytes.length <= MAC_BYTES || bytes.toString('base64url') !== token) return undefined
      const text = bytes.subarray(MAC_BYTES).toString()
      return timingSafeEqual(bytes.subarray(0, MAC_BYTES), macOf(scope, text)) ? decodeJson(text) : undefined
    },
  }
}
