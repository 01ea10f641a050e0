import type { Call } from '@millrace/runtime'
import type { WriteRequest } from '../write.ts'
import { fingerprintOf } from './idempotency.ts'

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** It goes with every event, so one that is malformed, and might be of any size, is dropped. */
const traceparentOf = (call: Call): string | undefined => {
  const given = call.header('traceparent')
  return given !== undefined && TRACEPARENT.test(given) ? given : undefined
}

type Origin = Pick<
  WriteRequest,
  'tenant' | 'principal' | 'route' | 'fingerprint' | 'correlationId' | 'causationId' | 'traceparent'
>

/**
 * What every write has of its HTTP request: who asks, by which route, with what, and as part of which trace. `route` is
 * what its idempotency key counts in: stored for ever, so it never changes.
 */
export const originOf = (call: Call, route: string): Origin => ({
  tenant: call.principal.tenant,
  principal: call.principal.id,
  route,
  fingerprint: fingerprintOf(call),
  correlationId: call.requestId,
  causationId: call.requestId,
  traceparent: traceparentOf(call),
})
