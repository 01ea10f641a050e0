import { MongoBulkWriteError, MongoServerError, type ClientSession, type WriteError } from 'mongodb'
import type { Collections } from './collections.ts'
import type { CommitDocument } from './documents.ts'
import { endAbandoned } from './end-abandoned.ts'
import { DUPLICATE_KEY } from './mongo-error.ts'
import { ofTenants } from './tenant-data.ts'

const OUT_OF_TIME = 50

/**
 * An insert waits on the server for a transaction that holds the same version or key, and the whole group with it. One
 * that its process has left behind would hold them for a minute.
 */
const WAIT_MS = 2_000
const MAX_TRIES = 4

/**
 * Inserts commits together, each by itself: one that loses on a unique index does not hold back the others. Answers
 * per commit whether it is in; throws when nobody knows, and then all of their callers have to ask again.
 */
export const insertCommits = async (
  collection: Collections['commits'],
  commits: readonly CommitDocument[],
  session: ClientSession,
): Promise<boolean[]> => {
  for (let tries = 1; ; tries++) {
    try {
      await ofTenants(collection).insertMany(commits, { session, ordered: false, maxTimeMS: WAIT_MS })
      return commits.map(() => true)
    } catch (error) {
      const losers = losersOf(error)
      if (losers) return commits.map((_, index) => !losers.has(index))
      if (tries === MAX_TRIES || !isOutOfTime(error)) throw error
      // What is in already loses against itself the next time; whoever looks finds its own id.
      await endAbandoned(session).catch(() => undefined)
    }
  }
}

/** Places of the commits that met a duplicate key; undefined when anything else went wrong. */
const losersOf = (error: unknown): Set<number> | undefined => {
  if (!(error instanceof MongoBulkWriteError)) return undefined
  const faults = faultsOf(error)
  const isOnlyDuplicates = faults.length > 0 && faults.every(({ code }) => code === DUPLICATE_KEY)
  return isOnlyDuplicates && !error.result.getWriteConcernError()
    ? new Set(faults.map(({ index }) => index))
    : undefined
}

const faultsOf = (error: MongoBulkWriteError): readonly WriteError[] => [error.writeErrors].flat()

const isOutOfTime = (error: unknown): boolean =>
  (error instanceof MongoServerError && error.code === OUT_OF_TIME) ||
  (error instanceof MongoBulkWriteError &&
    [error.result.getWriteConcernError()?.code, ...faultsOf(error).map(({ code }) => code)].includes(
      OUT_OF_TIME,
    ))
