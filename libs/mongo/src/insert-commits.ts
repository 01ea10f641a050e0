import { MongoBulkWriteError, type ClientSession, type Collection, type WriteError } from 'mongodb'
import type { CommitDocument } from './documents.ts'

const DUPLICATE_KEY = 11000

/**
 * Inserts commits together, each by itself: one that loses on a unique index does not hold back the others. Answers
 * per commit whether it is in; throws when nobody knows, and then all of their callers have to ask again.
 */
export const insertCommits = async (
  collection: Collection<CommitDocument>,
  commits: readonly CommitDocument[],
  session: ClientSession,
): Promise<boolean[]> => {
  try {
    await collection.insertMany(commits, { session, ordered: false })
    return commits.map(() => true)
  } catch (error) {
    const losers = losersOf(error)
    if (!losers) throw error
    return commits.map((_, index) => !losers.has(index))
  }
}

/** Places of the commits that met a duplicate key; undefined when anything else went wrong. */
const losersOf = (error: unknown): Set<number> | undefined => {
  if (!(error instanceof MongoBulkWriteError)) return undefined
  const faults: readonly WriteError[] = Array.isArray(error.writeErrors)
    ? error.writeErrors
    : [error.writeErrors]
  const isOnlyDuplicates = faults.length > 0 && faults.every(({ code }) => code === DUPLICATE_KEY)
  return isOnlyDuplicates && !error.result.getWriteConcernError()
    ? new Set(faults.map(({ index }) => index))
    : undefined
}
