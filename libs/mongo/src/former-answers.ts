import type { ClientSession, Collection } from 'mongodb'
import type { AnswerDocument, CommitDocument, IdempotencyKey } from './documents.ts'

export type AnswerScope = IdempotencyKey & { readonly tenant: string }

/** What was answered under an idempotency key before. */
export type FormerAnswer =
  | { readonly type: 'commit'; readonly commit: CommitDocument }
  | { readonly type: 'answer'; readonly answer: AnswerDocument }

/** Per scope what its key was used for; one query for all. */
export const findFormers = async (
  collection: Collection<AnswerDocument>,
  scopes: readonly AnswerScope[],
  session: ClientSession,
): Promise<(FormerAnswer | undefined)[]> => {
  if (scopes.length === 0) return []
  const found: (AnswerDocument | CommitDocument)[] = await collection
    .find({ $or: scopes.map(keyFilter) }, { session })
    .toArray()
  const byScope = new Map(found.map((document) => [scopeNameOf(scopeOf(document)), toFormer(document)]))
  return scopes.map((scope) => byScope.get(scopeNameOf(scope)))
}

export const findFormer = async (
  collection: Collection<AnswerDocument>,
  scope: AnswerScope,
  session: ClientSession,
): Promise<FormerAnswer | undefined> => (await findFormers(collection, [scope], session))[0]

export const scopeOf = ({
  tenant,
  idempotency,
}: Pick<CommitDocument, 'tenant' | 'idempotency'>): AnswerScope => ({ tenant, ...idempotency })

const keyFilter = ({ tenant, principal, route, key }: AnswerScope) => ({
  tenant,
  'idempotency.principal': principal,
  'idempotency.route': route,
  'idempotency.key': key,
})

/** The same for equal scopes only. */
export const scopeNameOf = ({ tenant, principal, route, key }: AnswerScope): string =>
  JSON.stringify([tenant, principal, route, key])

const toFormer = (found: AnswerDocument | CommitDocument): FormerAnswer =>
  'answer' in found ? { type: 'answer', answer: found } : { type: 'commit', commit: found }
