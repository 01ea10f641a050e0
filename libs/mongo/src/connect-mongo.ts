import { MongoClient, type Db } from 'mongodb'
import { causalSessions, type CausalSessions } from './causal-sessions.ts'
import { translateMongoError } from './mongo-error.ts'

/** Handle for the rest of libs/mongo; other packages pass it on and never look inside. */
export type MongoConnection = {
  readonly client: MongoClient
  readonly db: Db
  /** Shared by all stores of this connection: what one has seen, the next one sees. */
  readonly inCausalSession: CausalSessions
  /** Throws a retryable PlatformError when no primary answers. */
  ping(): Promise<void>
  close(): Promise<void>
}

const TIMEOUTS = {
  /** A primary must be found within this time, else the operation fails as unavailable (the driver's 30 s is a hang). */
  serverSelectionTimeoutMS: 5_000,
  /** The driver's own default is no limit at all: a half-open connection would hang for ever. */
  socketTimeoutMS: 30_000,
}

/** What is given to the driver counts more than what its URL says. */
const timeoutsBeside = (url: string): Partial<typeof TIMEOUTS> =>
  Object.fromEntries(Object.entries(TIMEOUTS).filter(([name]) => !new RegExp(`[?&]${name}=`, 'i').test(url)))

/**
 * Majority writes and majority reads on the primary, for every operation, unless it says otherwise: an
 * acknowledged write survives a failover and a read never sees what a failover takes back.
 */
export const connectMongo = async (options: {
  url: string
  database: string
  clientName: string
  maxPoolSize?: number
}): Promise<MongoConnection> => {
  const client = new MongoClient(options.url, {
    appName: options.clientName,
    maxPoolSize: options.maxPoolSize ?? 64,
    ...timeoutsBeside(options.url),
    readPreference: 'primary',
    readConcern: { level: 'majority' },
    writeConcern: { w: 'majority', journal: true },
    retryReads: true,
    retryWrites: true,
    ignoreUndefined: true,
  })
  try {
    await client.connect()
  } catch (error) {
    await client.close()
    throw translateMongoError(error)
  }
  const db = client.db(options.database)
  return {
    client,
    db,
    inCausalSession: causalSessions(client),
    ping: async () => {
      await db.command({ ping: 1 }).catch((error: unknown) => {
        throw translateMongoError(error)
      })
    },
    close: () => client.close(),
  }
}
