import type { ClientSession } from 'mongodb'
import type { MongoConnection } from './connect-mongo.ts'

/** Opaque outside libs/mongo: names the transaction that a write belongs to. */
export type Transaction = ClientSession

const OPTIONS = {
  readConcern: { level: 'snapshot' },
  writeConcern: { w: 'majority', journal: true },
  readPreference: 'primary',
} as const

/** The driver's own retry loop would last 120 s; a caller's request does not. */
const RETRY_FOR_MS = 8_000

/**
 * Runs `work` in a transaction and retries it on transient errors. Only for work that may run twice, also after
 * a commit whose result was lost: each use leans on a unique index that catches its own first try.
 */
export const inTransaction = <T>(session: ClientSession, work: () => Promise<T>): Promise<T> =>
  session.withTransaction(work, { ...OPTIONS, timeoutMS: RETRY_FOR_MS })

/**
 * Runs `work` once and commits. Throws what the server said; after an unknown commit result the caller has to
 * read what it would have written.
 */
export const oneTransaction = <T>(
  connection: MongoConnection,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> =>
  connection.client.withSession(async (session) => {
    session.startTransaction(OPTIONS)
    try {
      const result = await work(session)
      await session.commitTransaction()
      return result
    } catch (error) {
      if (session.inTransaction()) await session.abortTransaction().catch(() => undefined)
      throw error
    }
  })
