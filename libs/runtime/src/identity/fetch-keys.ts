import { createPublicKey, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'
import { z } from 'zod'

const TIMEOUT_MS = 5_000
const MAX_BYTES = 256 * 1024
const MAX_KEYS = 100
const MIN_RSA_BITS = 2_048

const keySet = z.object({ keys: z.array(z.unknown()).max(MAX_KEYS) })
/** Of keys that nobody publishes on purpose: whoever has read them can sign. */
const SECRET_PARTS = ['d', 'k']
const publicKey = z.looseObject({ kty: z.enum(['RSA', 'EC', 'OKP']), kid: z.string().exactOptional() })

export type ProviderKey = {
  /** Of its name and of the key itself. */
  readonly fingerprint: string
  readonly jwk: JWK
}

/**
 * The keys of a provider that are fit for use: not those it could not have meant to publish, of unknown kinds, or RSA
 * below 2048 bits. Throws when there is no answer within 5 s, another status than 200 (a redirect is followed nowhere),
 * more than 256 KiB, or no key that is fit.
 */
export const fetchKeys = async (url: string, timeoutMs = TIMEOUT_MS): Promise<ProviderKey[]> => {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`the identity provider answered ${response.status}`)
  }
  const { keys } = keySet.parse(JSON.parse(await readBounded(response)))
  const usable = keys.flatMap(usableKey)
  if (usable.length === 0) throw new Error('the identity provider published no key that is fit for use')
  return usable
}

const readBounded = async (response: Response): Promise<string> => {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length
    // Leaving the loop cancels the rest.
    if (bytes > MAX_BYTES) throw new Error(`the identity provider's keys are more than ${MAX_BYTES} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

const usableKey = (candidate: unknown): ProviderKey[] => {
  const parsed = publicKey.safeParse(candidate)
  if (!parsed.success || SECRET_PARTS.some((part) => part in parsed.data)) return []
  const jwk: JWK = parsed.data
  const key = importKey(jwk)
  if (key === undefined || isWeak(key)) return []
  const fingerprint = key.export({ type: 'spki', format: 'der' }).toString('base64')
  return [{ fingerprint: `${jwk.kid ?? ''} ${fingerprint}`, jwk }]
}

const importKey = (jwk: JWK): KeyObject | undefined => {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return undefined
  }
}

const isWeak = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean =>
  asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS
