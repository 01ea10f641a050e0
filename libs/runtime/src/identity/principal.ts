import type { Scope } from './scopes.ts'

/** Who asks, for which tenant, and what it may do. */
export type Principal = {
  readonly id: string
  readonly tenant: string
  /** As its token says; ask `allows`, which also knows {@link EVERY_SCOPE}. */
  readonly scopes: ReadonlySet<string>
}

/** Of the developer. It is this very object: nothing that a token says is equal to it. */
export const EVERY_SCOPE: ReadonlySet<string> = new Set()

export const allows = ({ scopes }: Principal, scope: Scope): boolean =>
  scopes === EVERY_SCOPE || scopes.has(scope)
