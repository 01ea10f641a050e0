import type { LogPosition } from '@millrace/mongo'
import { problems, type TokenSigner } from '@millrace/runtime'
import { z } from 'zod'
import type { LogScope } from './log-scope.ts'

export type LogPositions = {
  of(tenant: string, scope: LogScope, position: LogPosition): string
  /** The beginning without a token; 400 for one that was not given for this scope and tenant. */
  read(tenant: string, scope: LogScope, token: string | undefined): LogPosition
}

const content = z.strictObject({ after: z.record(z.string(), z.int().min(0)) })

/** Opaque to clients: they send back what they were given, and nobody else's or another log's is taken for it. */
export const logPositions = (signer: TokenSigner): LogPositions => {
  const scopeOf = (tenant: string, { name }: LogScope) => ({ purpose: `log position ${name}`, tenant })
  return {
    of: (tenant, scope, after) => signer.sign(scopeOf(tenant, scope), { after }),
    read: (tenant, scope, token) => {
      if (token === undefined) return {}
      const parsed = content.safeParse(signer.verify(scopeOf(tenant, scope), token))
      if (parsed.success) return parsed.data.after
      throw problems.badRequest('from: must be what this log answered as `next`; start without it')
    },
  }
}
