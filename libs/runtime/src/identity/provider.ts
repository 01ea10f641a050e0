import { z } from 'zod'
import { ConfigError } from '../read-config.ts'
import { DEFAULT_PUBLIC_KEY_ALGORITHMS, DEFAULT_SHARED_SECRET_ALGORITHMS } from './algorithms.ts'
import { isLoopback, type identityEnv } from './identity-env.ts'

export type IdentityConfig = z.output<z.ZodObject<typeof identityEnv>> & { readonly HOST: string }

/** What a token has to be, whoever verifies its signature. */
export type TokenRules = {
  readonly issuer: string
  readonly audience: string
  readonly algorithms: readonly string[]
  readonly types: readonly string[]
  readonly tenantClaim: string
}

export type IdentityProvider = TokenRules &
  (
    | { readonly type: 'key-set'; readonly url: string; readonly maxAgeMs: number }
    | { readonly type: 'secret'; readonly secret: string }
  )

/**
 * The provider that the environment names; undefined for a development run. Checks again what `identityRules` checks of
 * that: a service that forgot them must not be open to everybody.
 */
export const identityProviderOf = (config: IdentityConfig): IdentityProvider | undefined => {
  const { JWKS_URL: url, JWT_SECRET: secret } = config
  if (url !== undefined)
    return {
      ...tokenRulesOf(config, DEFAULT_PUBLIC_KEY_ALGORITHMS),
      type: 'key-set',
      url,
      maxAgeMs: config.JWKS_MAX_AGE_SECONDS * 1_000,
    }
  if (secret !== undefined)
    return { ...tokenRulesOf(config, DEFAULT_SHARED_SECRET_ALGORITHMS), type: 'secret', secret }
  if (config.NODE_ENV !== 'production' && isLoopback(config.HOST)) return undefined
  throw new ConfigError(['JWKS_URL: needed in production, and wherever HOST is not a loopback address'])
}

const tokenRulesOf = (config: IdentityConfig, algorithms: readonly string[]): TokenRules => {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = config
  if (issuer === undefined || audience === undefined)
    throw new ConfigError(['JWT_ISSUER, JWT_AUDIENCE: required with JWKS_URL or JWT_SECRET'])
  return {
    issuer,
    audience,
    algorithms: config.JWT_ALGORITHMS ?? algorithms,
    types: config.JWT_TYPE,
    tenantClaim: config.JWT_TENANT_CLAIM,
  }
}
