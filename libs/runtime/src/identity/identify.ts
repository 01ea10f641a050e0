// Who asks? Without an identity provider it is the developer, on loopback only. With one, it is whoever the bearer token
// names. A token that was verified before costs a hash and a look into a map. An unknown one is refused unseen when its
// address has shown too many that were no good (429); else it is verified, once for all requests that bring it at the
// same time. Whatever is wrong with it, the answer is the same 401, and the log says what it was, without the token.

import { createSecretKey } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Logger } from '../logger.ts'
import type { Metrics } from '../metrics.ts'
import { bearerTokenOf } from './bearer-token.ts'
import { developmentIdentity } from './development-identity.ts'
import { makeFailureLimit } from './failure-limit.ts'
import { fetchKeys } from './fetch-keys.ts'
import type { Principal } from './principal.ts'
import { identityProviderOf, type IdentityConfig, type IdentityProvider } from './provider.ts'
import { makeProviderKeys, type ProviderKeys } from './provider-keys.ts'
import { TokenRefusal, unauthorized } from './refusal.ts'
import { isRevoked, watchRevokedTokens } from './revoked-tokens.ts'
import { makeReport } from './token-report.ts'
import { makeVerifiedTokens, tokenHash } from './verified-tokens.ts'
import { makeVerifyToken } from './verify-token.ts'
import { makeVerifyUnknown } from './verify-unknown.ts'

export type Identify = (request: IncomingMessage, requestId?: string) => Principal | Promise<Principal>

export type Identity = {
  /**
   * The principal at once when its token is known, else a promise of it. Throws (or rejects with) the problem to answer:
   * 401, 429; or a retryable `PlatformError` when the provider does not answer.
   */
  readonly identify: Identify
  /** Throws until the provider's keys have come, for readiness: a service without them can let nobody in. */
  ready(): Promise<void>
  close(): void
}

type Deps = {
  readonly logger: Logger
  readonly metrics: Metrics
  /** UTC milliseconds. */
  readonly now?: () => number
}

export const makeIdentify = (config: IdentityConfig, deps: Deps): Identity => {
  const provider = identityProviderOf(config)
  return provider ? byToken(config, provider, deps) : byLoopback(config, deps)
}

const byLoopback = ({ DEV_TOKEN: token }: IdentityConfig, { logger, metrics }: Deps): Identity => {
  logger.warn({}, 'DEVELOPMENT IDENTITY: every caller on this machine may do everything; not for production')
  const identify = developmentIdentity(token)
  const report = makeReport(logger, metrics)
  return {
    identify: (request, requestId) => {
      try {
        return identify(request)
      } catch (error) {
        if (!(error instanceof TokenRefusal)) throw error
        report.refused(error, { request, requestId })
        throw unauthorized('token')
      }
    },
    ready: () => Promise.resolve(),
    close: () => undefined,
  }
}

const byToken = (config: IdentityConfig, provider: IdentityProvider, deps: Deps): Identity => {
  const { logger, metrics, now = Date.now } = deps
  const verified = makeVerifiedTokens(now)
  const keys = keysOf(provider, { logger, now, onKeyRemoved: verified.clear })
  const revoked = watchRevokedTokens(config.REVOKED_TOKENS_FILE, { logger })
  const verifyUnknown = makeVerifyUnknown({
    verify: makeVerifyToken({ rules: provider, findKey: keys.find, now }),
    verified,
    revoked,
    limit: makeFailureLimit({
      burst: config.AUTH_FAILURES_BURST,
      perMinute: config.AUTH_FAILURES_PER_MINUTE,
      now,
    }),
    report: makeReport(logger, metrics),
  })
  metrics.gauge('millrace_identity_cached_tokens', 'Verified tokens in memory', [], (gauge) =>
    gauge.set(verified.count()),
  )
  // Early, so that the first callers need not wait. Whoever needs the keys learns of its failure.
  keys.ready().catch(() => undefined)
  return {
    identify: (request, requestId) => {
      const token = bearerTokenOf(request)
      if (token === undefined) throw unauthorized('nothing')
      const key = tokenHash(token)
      const known = verified.get(key)
      keys.refreshIfDue()
      if (known && !isRevoked(known, revoked)) return known.principal
      return verifyUnknown({ token, key, request, requestId })
    },
    ready: keys.ready,
    close: revoked.close,
  }
}

const keysOf = (
  provider: IdentityProvider,
  deps: Omit<Parameters<typeof makeProviderKeys>[0], 'fetchKeys' | 'maxAgeMs'>,
): ProviderKeys => {
  if (provider.type === 'key-set')
    return makeProviderKeys({
      ...deps,
      fetchKeys: () => fetchKeys(provider.url),
      maxAgeMs: provider.maxAgeMs,
    })
  const key = createSecretKey(Buffer.from(provider.secret))
  return {
    find: () => Promise.resolve({ key, goodUntilMs: Infinity }),
    refreshIfDue: () => undefined,
    ready: () => Promise.resolve(),
  }
}
