import { errors, jwtVerify, type JWTPayload, type JWTHeaderParameters } from 'jose'
import pLimit from 'p-limit'
import { openToken, type TokenHeader } from './open-token.ts'
import type { Principal } from './principal.ts'
import type { TokenRules } from './provider.ts'
import type { FoundKey, KeyGate } from './provider-keys.ts'
import { TokenRefusal, type RefusalReason } from './refusal.ts'
import { makeReadClaims } from './token-claims.ts'

/** For clocks that do not agree. */
const LEEWAY_SECONDS = 60
/** Node verifies on four threads; what waits for its turn can still be refused for nothing. */
const AT_THE_SAME_TIME = 8

export type VerifiedToken = {
  readonly principal: Principal
  readonly jti: string | undefined
  /** From then on the answer may be another one. */
  readonly goodUntilMs: number
}

export type Gate = KeyGate & {
  /** Called when it is this token's turn to cost something; throws to prevent that. */
  beforeSignature(): void
}

export type VerifyToken = (token: string, gate: Gate) => Promise<VerifiedToken>

type Options = {
  readonly rules: TokenRules
  readonly findKey: (header: JWTHeaderParameters, gate: KeyGate) => Promise<FoundKey>
  readonly now: () => number
}

const typeName = (type: string): string => type.toLowerCase().replace(/^application\//, '')

/** Resolves for a token that is all right, else throws a {@link TokenRefusal} or the outage of `findKey`. */
export const makeVerifyToken = ({ rules, findKey, now }: Options): VerifyToken => {
  const turns = pLimit(AT_THE_SAME_TIME)
  const types = rules.types.map(typeName)
  const readClaims = makeReadClaims(rules.tenantClaim)

  const refuseHeader = ({ alg, typ }: TokenHeader): void => {
    if (!rules.algorithms.includes(alg)) throw new TokenRefusal('algorithm', 'not of the allowed algorithms')
    if (!types.includes(typeName(typ))) throw new TokenRefusal('type', 'not an access token')
  }

  const verifySignature = async (token: string, { key }: FoundKey): Promise<JWTPayload> => {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [...rules.algorithms],
      issuer: rules.issuer,
      audience: rules.audience,
      requiredClaims: ['exp'],
      clockTolerance: LEEWAY_SECONDS,
      currentDate: new Date(now()),
    })
    return payload
  }

  const verify: VerifyToken = async (token, gate) => {
    const header = openToken(token)
    refuseHeader(header)
    const found = await findKey(header, gate)
    const payload = await turns(() => {
      gate.beforeSignature()
      return verifySignature(token, found)
    })
    const { principal, jti, expiresAtMs } = readClaims(payload)
    // jose looks at it for another option only.
    if ((payload.iat ?? 0) > now() / 1_000 + LEEWAY_SECONDS)
      throw new TokenRefusal('claims', 'issued in the future')
    return {
      principal,
      jti,
      goodUntilMs: Math.min(expiresAtMs + LEEWAY_SECONDS * 1_000, found.goodUntilMs),
    }
  }
  return (token, gate) => verify(token, gate).catch(translate)
}

const REASONS: Readonly<Record<string, RefusalReason>> = {
  [errors.JOSEAlgNotAllowed.code]: 'algorithm',
  [errors.JOSENotSupported.code]: 'algorithm',
  [errors.JWKSNoMatchingKey.code]: 'key',
  [errors.JWKSMultipleMatchingKeys.code]: 'key',
  [errors.JWSSignatureVerificationFailed.code]: 'signature',
  [errors.JWTExpired.code]: 'expired',
  [errors.JWTClaimValidationFailed.code]: 'claims',
}

const translate = (error: unknown): never => {
  if (error instanceof errors.JOSEError)
    throw new TokenRefusal(REASONS[error.code] ?? 'malformed', error.message)
  throw error
}
