import type { ClientSession } from 'mongodb'
import type { Collections } from './collections.ts'
import type { CommitDocument } from './documents.ts'
import { findFormers, scopeOf, type FormerAnswer } from './former-answers.ts'
import { insertCommits } from './insert-commits.ts'

export type AppendOutcome =
  | { readonly type: 'appended' }
  | { readonly type: 'key-used'; readonly former: FormerAnswer }
  | { readonly type: 'version-taken' }
  /** An inline read model says no. */
  | { readonly type: 'refused'; readonly reason: string }

/**
 * Inserts commits together, each standing or falling by itself. After a duplicate key nobody guesses which index
 * spoke: the idempotency key is looked up first, and if it is unused the version was taken.
 */
export const appendCommits = async (
  { commits, answers }: Collections,
  wanted: readonly CommitDocument[],
  session: ClientSession,
): Promise<AppendOutcome[]> => {
  const inserted = await insertCommits(commits, wanted, session)
  const losers = wanted.filter((_, index) => !inserted[index])
  const formers = await findFormers(answers, losers.map(scopeOf), session)
  const formerOf = new Map(losers.map((loser, index) => [loser, formers[index]]))
  return wanted.map((commit, index) =>
    inserted[index] ? { type: 'appended' } : lostTo(commit, formerOf.get(commit)),
  )
}

/** Why a commit is not new: its key, or else its version. */
export const lostTo = (commit: CommitDocument, former: FormerAnswer | undefined): AppendOutcome => {
  if (former === undefined) return { type: 'version-taken' }
  // Our own first try, whose answer was lost.
  if (former.type === 'commit' && former.commit._id === commit._id) return { type: 'appended' }
  return { type: 'key-used', former }
}
