// A cursor by the commands themselves. The driver's own cursors keep to themselves what a changefeed lives on: the resume
// token behind a batch, also behind one in which nothing came, and a snapshot at a chosen time.

import { Long, type Document, type MongoClient } from 'mongodb'
import { translating } from './mongo-error.ts'

export type CursorBatch = {
  readonly documents: readonly Document[]
  /** Of a change stream: behind these documents, and behind what it has passed over since. */
  readonly resumeToken: Document | null
}

export type CommandCursor = {
  /** What the next call of the server gives; undefined once there is no more. */
  next(): Promise<CursorBatch | undefined>
  /** Never throws. */
  close(): Promise<void>
}

type OpenCursor = {
  readonly client: MongoClient
  readonly on: { readonly dbName: string; readonly collectionName: string }
  /** `find` or `aggregate`, without its cursor. */
  readonly command: Document
  readonly batchSize: number
  /** How long the server may wait for something to come, when it has nothing. */
  readonly awaitMs?: number
}

type CursorReply = {
  readonly cursor: {
    readonly id: number | Long
    readonly firstBatch?: readonly Document[]
    readonly nextBatch?: readonly Document[]
    readonly postBatchResumeToken?: Document
  }
}

/** Throws as a PlatformError what the driver throws. */
export const openCommandCursor = async (options: OpenCursor): Promise<CommandCursor> => {
  const { client, on, batchSize, awaitMs } = options
  const { collectionName } = on
  // All calls of a cursor are of one session.
  const session = client.startSession({ causalConsistency: false })
  const run = (command: Document): Promise<CursorReply> =>
    translating(() => client.db(on.dbName).command(command, { session })) as Promise<CursorReply>
  const sized = 'find' in options.command ? { batchSize } : { cursor: { batchSize } }
  let reply: CursorReply | undefined
  try {
    reply = await run({ ...options.command, ...sized })
  } catch (error) {
    await session.endSession().catch(() => undefined)
    throw error
  }
  let { id } = reply.cursor
  const isAtEnd = (): boolean => toLong(id).isZero()
  const getMore = async (): Promise<CursorReply> =>
    run({
      getMore: toLong(id),
      collection: collectionName,
      batchSize,
      ...(awaitMs === undefined ? {} : { maxTimeMS: awaitMs }),
    })
  return {
    next: async () => {
      if (!reply && isAtEnd()) return undefined
      const { cursor } = reply ?? (await getMore())
      reply = undefined
      id = cursor.id
      return {
        documents: cursor.nextBatch ?? cursor.firstBatch ?? [],
        resumeToken: cursor.postBatchResumeToken ?? null,
      }
    },
    close: async () => {
      if (!isAtEnd()) await run({ killCursors: collectionName, cursors: [toLong(id)] }).catch(() => undefined)
      await session.endSession().catch(() => undefined)
    },
  }
}

/** The driver makes a number of one that is small enough, and the server takes none. */
const toLong = (id: number | Long): Long => (typeof id === 'number' ? Long.fromNumber(id) : id)
