import type { IncomingMessage } from 'node:http'
import type { Logger } from '../logger.ts'
import type { Metrics } from '../metrics.ts'
import type { TokenRefusal } from './refusal.ts'

/** The request that brought a token, for the log. */
export type Asked = { readonly request: IncomingMessage; readonly requestId: string | undefined }

export type TokenReport = ReturnType<typeof makeReport>

/** What became of tokens, in metrics and log. */
export const makeReport = (logger: Logger, metrics: Metrics) => {
  const verifications = metrics.counter(
    'millrace_identity_verifications_total',
    'Tokens that were verified, by what came out',
    ['outcome'],
  )
  const limited = metrics.counter(
    'millrace_identity_failures_limited_total',
    'Requests refused unseen after too many bad tokens',
  )
  return {
    verified: () => verifications.inc({ outcome: 'verified' }),
    unavailable: () => verifications.inc({ outcome: 'unavailable' }),
    limited: () => limited.inc(),
    refused: ({ reason, message }: TokenRefusal, { request, requestId }: Asked) => {
      verifications.inc({ outcome: reason })
      const { remoteAddress } = request.socket
      logger.info({ requestId, remoteAddress, reason, detail: message }, 'token refused')
    },
  }
}
