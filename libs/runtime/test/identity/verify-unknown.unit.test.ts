import { describe, expect, it } from '@jest/globals'
import { makeFailureLimit } from '../../src/identity/failure-limit.ts'
import { makeReport } from '../../src/identity/token-report.ts'
import { makeVerifiedTokens } from '../../src/identity/verified-tokens.ts'
import type { VerifiedToken } from '../../src/identity/verify-token.ts'
import { makeVerifyUnknown } from '../../src/identity/verify-unknown.ts'
import { silentLogger } from '../../src/logger.ts'
import { createMetrics } from '../../src/metrics.ts'
import { requestWith } from './identity-fixture.ts'

const PRINCIPAL = { id: 'user-1', tenant: 'acme', scopes: new Set<string>() }
const GOOD: VerifiedToken = { principal: PRINCIPAL, jti: undefined, goodUntilMs: Infinity }

const verifying = () => {
  const verified = makeVerifiedTokens(Date.now)
  const signature = Promise.withResolvers<VerifiedToken>()
  const verifyUnknown = makeVerifyUnknown({
    verify: () => signature.promise,
    verified,
    revoked: { has: () => false, close: () => undefined },
    limit: makeFailureLimit({ burst: 50, perMinute: 60 }),
    report: makeReport(silentLogger, createMetrics('test')),
  })
  const answer = verifyUnknown({ token: 't', key: 'k', request: requestWith('t'), requestId: undefined })
  return { verified, answer, end: () => signature.resolve(GOOD) }
}

describe('a token that was unknown', () => {
  it('is known once it is verified', async () => {
    const { verified, answer, end } = verifying()
    end()
    expect(await answer).toBe(PRINCIPAL)
    expect(verified.get('k')).toBe(GOOD)
  })

  it('stays unknown when a key was taken back meanwhile: it may have been its own', async () => {
    const { verified, answer, end } = verifying()
    verified.clear()
    end()
    expect(await answer).toBe(PRINCIPAL)
    expect(verified.get('k')).toBeUndefined()
  })
})
