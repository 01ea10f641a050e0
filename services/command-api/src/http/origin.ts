import { parseTraceparent, type Call } from '@millrace/runtime'
import type { WriteRequest } from '../write.ts'
import { fingerprintOf } from './idempotency.ts'

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
  // It goes with every event, so one that is malformed, and might be of any size, is dropped.
  traceparent: parseTraceparent(call.header('traceparent')),
})
