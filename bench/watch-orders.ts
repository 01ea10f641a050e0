import type { ChangeStreamDocument, Collection, Document } from 'mongodb'

export type OrderWatch = {
  /** When the document of the order was first seen with this version or a later one, by performance.now(). */
  seenAtMs(order: string, version: number): Promise<number>
  close(): Promise<void>
}

type Stored = Document & { _id: string }
type Waiting = { readonly version: number; readonly seen: (atMs: number) => void }

/** Follows a collection of order-summary by a change stream: nobody has to ask again and again. */
export const watchOrders = async (collection: Collection<Stored>): Promise<OrderWatch> => {
  const waiting = new Map<string, Waiting[]>()
  const stream = collection.watch()
  // The server has it from now on.
  await stream.tryNext()
  const followed = (async () => {
    try {
      for await (const change of stream) arrived(waiting, change)
    } catch (error) {
      if (!stream.closed) throw error
    }
  })()
  return {
    seenAtMs: (order, version) => {
      const { promise, resolve } = Promise.withResolvers<number>()
      const id = `demo/${order}`
      waiting.set(id, [...(waiting.get(id) ?? []), { version, seen: resolve }])
      return promise
    },
    close: async () => {
      await stream.close()
      await followed
    },
  }
}

const arrived = (waiting: Map<string, Waiting[]>, change: ChangeStreamDocument<Stored>): void => {
  const now = performance.now()
  if (!('documentKey' in change)) return
  const id = change.documentKey._id
  const version = versionIn(change)
  const all = waiting.get(id) ?? []
  for (const one of all) if (one.version <= version) one.seen(now)
  const rest = all.filter((one) => one.version > version)
  if (rest.length > 0) waiting.set(id, rest)
  else waiting.delete(id)
}

const versionIn = (change: ChangeStreamDocument<Stored>): number => {
  if (change.operationType === 'update')
    return Number(change.updateDescription.updatedFields?.['version'] ?? 0)
  const isWhole = change.operationType === 'insert' || change.operationType === 'replace'
  return isWhole ? Number(change.fullDocument['version']) : 0
}
