import { z } from 'zod'
import type { TokenSigner } from './signed-token.ts'

/** Of records that have no sequence: per partition of their topic, the offset of the last one. */
export type RecordsPosition = {
  readonly topic: string
  readonly offsets: Readonly<Record<string, number>>
}

/** What was written: a commit, by its id, or records. */
export type Position = { readonly commit: string } | RecordsPosition

/** Tokens that name what was written: command-api gives them, whoever waits for it to be seen reads them. */
export type PositionTokens = {
  of(tenant: string, position: Position): string
  /** Undefined for a token that is malformed, changed or another tenant's. */
  read(tenant: string, token: string): Position | undefined
}

const PURPOSE = 'position'

const content: z.ZodType<Position> = z.union([
  z.strictObject({ commit: z.string() }),
  z.strictObject({ topic: z.string(), offsets: z.record(z.string().regex(/^\d+$/), z.int().min(0)) }),
])

export const positionTokens = (signer: TokenSigner): PositionTokens => ({
  of: (tenant, position) => signer.sign({ purpose: PURPOSE, tenant }, position),
  read: (tenant, token) => content.safeParse(signer.verify({ purpose: PURPOSE, tenant }, token)).data,
})
