import type { ClientSession } from 'mongodb'
import type { Collections } from './collections.ts'
import type { AnswerDocument, CommitDocument, IdempotencyKey } from './documents.ts'
import { eq, isIn } from './filters.ts'
import { ofTenants } from './tenant-data.ts'

export type AnswerScope = IdempotencyKey & { readonly tenant: string }

/** What was answered under an idempotency key before. */
export type FormerAnswer =
  | { readonly type: 'commit'; readonly commit: CommitDocument }
  | { readonly type: 'answer'; readonly answer: AnswerDocument }

/** Per scope what its key was used for; one query for all. */
export const findFormers = async (
  answers: Collections['answers'],
  scopes: readonly AnswerScope[],
  session: ClientSession,
): Promise<(FormerAnswer | undefined)[]> => {
  if (scopes.length === 0) return []
  const found = await ofTenants(answers)
    .find<AnswerDocument | CommitDocument>(partsOf(scopes), { session })
    .toArray()
  const byScope = new Map(found.map((document) => [scopeNameOf(scopeOf(document)), toFormer(document)]))
  return scopes.map((scope) => byScope.get(scopeNameOf(scope)))
}

export const findFormer = async (
  answers: Collections['answers'],
  scope: AnswerScope,
  session: ClientSession,
): Promise<FormerAnswer | undefined> => (await findFormers(answers, [scope], session))[0]

export const scopeOf = ({
  tenant,
  idempotency,
}: Pick<CommitDocument, 'tenant' | 'idempotency'>): AnswerScope => ({ tenant, ...idempotency })

/** Scopes of one route together: a clause for each key would be planned by itself, and cost more than the writes. */
const partsOf = (scopes: readonly AnswerScope[]) => {
  const groups = Map.groupBy(scopes, ({ tenant, principal, route }) =>
    JSON.stringify([tenant, principal, route]),
  )
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const where = {
      'idempotency.principal': eq(first.principal),
      'idempotency.route': eq(first.route),
      'idempotency.key': isIn(group.map(({ key }) => key)),
    }
    return [{ tenant: first.tenant, where }]
  })
}

/** The same for equal scopes only. */
export const scopeNameOf = ({ tenant, principal, route, key }: AnswerScope): string =>
  JSON.stringify([tenant, principal, route, key])

const toFormer = (found: AnswerDocument | CommitDocument): FormerAnswer =>
  'answer' in found ? { type: 'answer', answer: found } : { type: 'commit', commit: found }
