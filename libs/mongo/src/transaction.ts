import { MongoError, type ClientSession } from 'mongodb'
import { backoffMs, pause } from '@millrace/runtime'
import type { MongoConnection } from './connect-mongo.ts'
import { endAbandoned } from './end-abandoned.ts'
import { isWriteConflict, translating } from './mongo-error.ts'

/** Opaque outside libs/mongo: names the transaction that a write belongs to. */
export type Transaction = ClientSession

const OPTIONS = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority', journal: true },
  readPreference: 'primary',
} as const

/** The driver's own retry loop lasts 120 s, whatever its options say; a caller's request does not. */
const RETRY_FOR_MS = 8_000
const BACKOFF = { firstMs: 5, maxMs: 250 }
/** Conflicts with the living end sooner. */
const LOOK_EVERY_MS = 1_000

/**
 * Runs `work` in a transaction and again on transient errors. Only for work that may run twice, also after a commit
 * whose result was lost: each use leans on a unique index that catches its own first try. Conflicts with other
 * transactions are borne for `conflictsForMs`.
 */
export const inTransaction = async <T>(
  session: ClientSession,
  work: () => Promise<T>,
  { conflictsForMs = RETRY_FOR_MS } = {},
): Promise<T> => {
  const startedAt = performance.now()
  let lookAtMs = performance.now() + LOOK_EVERY_MS
  for (let attempt = 1; ; attempt++) {
    try {
      return await oneTransaction(session, work)
    } catch (error) {
      const delayMs = backoffMs(attempt, BACKOFF) * Math.random()
      const retryForMs = isWriteConflict(error) ? conflictsForMs : RETRY_FOR_MS
      if (!mayRunAgain(error) || performance.now() + delayMs >= startedAt + retryForMs) throw error
      if (isWriteConflict(error) && performance.now() >= lookAtMs) {
        // It only helps: where it is not allowed, the server ends them later.
        await endAbandoned(session).catch(() => undefined)
        lookAtMs = performance.now() + LOOK_EVERY_MS
      }
      await pause(delayMs)
    }
  }
}

/**
 * For callers outside of libs/mongo: `work` gets a transaction for the stores that take one, and runs again on transient
 * errors, also after a commit whose result was lost.
 */
export const withTransaction = <T>(
  connection: MongoConnection,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> =>
  translating(() => connection.inCausalSession((session) => inTransaction(session, () => work(session))))

const mayRunAgain = (error: unknown): boolean =>
  error instanceof MongoError &&
  (error.hasErrorLabel('TransientTransactionError') || error.hasErrorLabel('UnknownTransactionCommitResult'))

/**
 * Runs `work` once and commits. Throws what the server said; after an unknown commit result the caller has to
 * read what it would have written.
 */
export const oneTransaction = async <T>(session: ClientSession, work: () => Promise<T>): Promise<T> => {
  session.startTransaction(OPTIONS)
  try {
    const result = await work()
    await session.commitTransaction()
    return result
  } catch (error) {
    if (session.inTransaction()) await session.abortTransaction().catch(() => undefined)
    throw error
  }
}
