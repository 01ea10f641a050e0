/** Signatures that a key of the provider's set may verify. */
export const PUBLIC_KEY_ALGORITHMS: readonly string[] = [
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
]

/** With a shared secret; the secret has at least as many bytes as the hash (RFC 7518, 3.2). */
export const SHARED_SECRET_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 }

export const DEFAULT_PUBLIC_KEY_ALGORITHMS: readonly string[] = ['ES256', 'RS256', 'EdDSA']
export const DEFAULT_SHARED_SECRET_ALGORITHMS: readonly string[] = ['HS256']
