import type { LogReader } from '@millrace/mongo'
import type { Call, Reply, TokenSigner } from '@millrace/runtime'
import type { z } from 'zod'
import { viewEvents, type Decode } from './event-view.ts'
import { logPositions } from './log-positions.ts'
import type { LogScope } from './log-scope.ts'
import { PAGE_BYTES, pageReply } from './page-reply.ts'
import type { logParameters } from './parameters.ts'

export type ReadLogDeps = { readonly log: LogReader; readonly codec: Decode; readonly signer: TokenSigner }

/** Events of all tenants and types that one request may pass; what is rarer comes in a later page. */
const MAX_LOOKED_AT = 10_000

/** A page of the scope; its `next` is where to go on, now or as soon as there is more. */
export const makeReadLog = ({ log, codec, signer }: ReadLogDeps) => {
  const positions = logPositions(signer)
  return async (call: Call<unknown, z.output<typeof logParameters>>, scope: LogScope): Promise<Reply> => {
    const { tenant } = call.principal
    const { from, count } = call.query
    const page = await log.read({
      tenant,
      partitions: scope.partitions,
      ...(scope.types ? { types: scope.types } : {}),
      after: positions.read(tenant, scope, from),
      limits: { events: count, bytes: PAGE_BYTES, lookedAt: MAX_LOOKED_AT },
    })
    return pageReply(call, {
      events: await viewEvents(codec, page.events),
      next: positions.of(tenant, scope, page.position),
      caughtUp: page.isAtEnd,
    })
  }
}
