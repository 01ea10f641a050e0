import { z } from 'zod'
import type { Principal } from './principal.ts'
import { TokenRefusal } from './refusal.ts'

/** Part of every key in MongoDB and Kafka, before a slash. */
const TENANT = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/
const PRINTABLE = /^[\x21-\x7e]{1,255}$/
const LAST_SECOND = 253_402_300_799

const seconds = z.number().min(0).max(LAST_SECOND)

const standardClaims = {
  exp: seconds,
  iat: seconds.optional(),
  nbf: seconds.optional(),
  sub: z.string().regex(PRINTABLE),
  jti: z.string().min(1).max(256).optional(),
  scope: z.string().optional(),
  scp: z.union([z.string(), z.array(z.string())]).optional(),
}

type StandardClaims = z.output<z.ZodObject<typeof standardClaims>>

export type TokenClaims = {
  readonly principal: Principal
  readonly jti: string | undefined
  readonly expiresAtMs: number
}

/** `scope` as RFC 9068 has it, else `scp` as other providers do, as text or as a list. */
const scopesOf = ({ scope, scp = [] }: StandardClaims): ReadonlySet<string> => {
  const listed = scope ?? scp
  const names = typeof listed === 'string' ? listed.split(' ') : listed
  return new Set(names.filter((name) => name !== ''))
}

/** Reads the claims of a payload whose signature is good; issuer, audience and the times are jose's to check. */
export const makeReadClaims = (tenantClaim: string) => {
  const schema = z.looseObject({ ...standardClaims, [tenantClaim]: z.string().regex(TENANT) })
  return (payload: unknown): TokenClaims => {
    const parsed = schema.safeParse(payload)
    if (!parsed.success) {
      const names = parsed.error.issues.map(({ path }) => path.join('.'))
      throw new TokenRefusal('claims', `not fit for use: ${names.join(', ')}`)
    }
    const claims = parsed.data as StandardClaims & Record<string, unknown>
    return {
      principal: { id: claims.sub, tenant: String(claims[tenantClaim]), scopes: scopesOf(claims) },
      jti: claims.jti,
      expiresAtMs: claims.exp * 1_000,
    }
  }
}
