import { problems, type ProblemError } from '../http/problem.ts'
import { PlatformError } from '../platform-error.ts'

/** Why a token is no good: for the log and the metrics, never for the client. */
export type RefusalReason =
  | 'malformed'
  | 'algorithm'
  | 'type'
  | 'key'
  | 'signature'
  | 'expired'
  | 'claims'
  | 'revoked'
  | 'development-token'

export class TokenRefusal extends Error {
  readonly reason: RefusalReason

  constructor(reason: RefusalReason, message: string) {
    super(message)
    this.name = 'TokenRefusal'
    this.reason = reason
  }
}

/** The same answer for all reasons: it teaches nobody what to try next. Only no token at all has no `error` (RFC 6750). */
export const unauthorized = (
  given: 'token' | 'nothing',
  detail = 'a valid bearer token is needed',
): ProblemError =>
  problems.unauthorized(detail, {
    headers: { 'www-authenticate': given === 'token' ? 'Bearer error="invalid_token"' : 'Bearer' },
  })

/** An outage: nobody can say whether the token is good. */
export const keysUnavailable = (): PlatformError =>
  new PlatformError({
    code: 'IDENTITY_UNAVAILABLE',
    message: 'the identity provider does not give its keys',
    retryable: true,
  })
