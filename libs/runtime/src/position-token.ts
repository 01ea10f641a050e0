import type { TokenSigner } from './signed-token.ts'

/** Tokens that name a commit: command-api gives them, whoever waits for the commit to be seen reads them. */
export type PositionTokens = {
  of(tenant: string, commitId: string): string
  /** The commit's id; undefined for a token that is malformed, changed or another tenant's. */
  read(tenant: string, token: string): string | undefined
}

const PURPOSE = 'position'

const commitOf = (content: unknown): string | undefined =>
  typeof content === 'object' && content !== null && 'commit' in content && typeof content.commit === 'string'
    ? content.commit
    : undefined

export const positionTokens = (signer: TokenSigner): PositionTokens => ({
  of: (tenant, commit) => signer.sign({ purpose: PURPOSE, tenant }, { commit }),
  read: (tenant, token) => commitOf(signer.verify({ purpose: PURPOSE, tenant }, token)),
})
