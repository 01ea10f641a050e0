import { connectMongo, type MongoConnection } from './connect-mongo.ts'

export type StoreAddresses = {
  readonly events: { readonly url: string; readonly database: string }
  /** Where they are not said, read models live with the events. */
  readonly readModels: { readonly url: string | undefined; readonly database: string | undefined }
  readonly clientName: string
}

/**
 * Events and read models may live in different databases, and on different servers: what moves in one transaction
 * (documents, checkpoint, parked events) lives with the read model; what changes with a commit (inline read models)
 * lives with the events.
 */
export type Stores = {
  readonly events: MongoConnection
  readonly readModels: MongoConnection
  /** Throws a retryable PlatformError when one has no primary that answers. */
  ping(): Promise<void>
  close(): Promise<void>
}

export const connectStores = async ({
  events: at,
  readModels: { url = at.url, database = at.database },
  clientName,
}: StoreAddresses): Promise<Stores> => {
  const events = await connectMongo({ ...at, clientName })
  if (url === at.url && database === at.database)
    return { events, readModels: events, ping: events.ping, close: events.close }
  try {
    const readModels = await connectMongo({ url, database, clientName })
    const both = [events, readModels]
    return {
      events,
      readModels,
      ping: async () => void (await Promise.all(both.map((connection) => connection.ping()))),
      close: async () => void (await Promise.all(both.map((connection) => connection.close()))),
    }
  } catch (error) {
    await events.close()
    throw error
  }
}

type StoresEnv = {
  readonly MONGO_URL: string
  readonly MONGO_DATABASE: string
  readonly READ_MODELS_URL?: string | undefined
  readonly READ_MODELS_DATABASE?: string | undefined
}

/** As the environment of a service names them. */
export const storeAddresses = (env: StoresEnv, clientName: string): StoreAddresses => ({
  events: { url: env.MONGO_URL, database: env.MONGO_DATABASE },
  readModels: { url: env.READ_MODELS_URL, database: env.READ_MODELS_DATABASE },
  clientName,
})
