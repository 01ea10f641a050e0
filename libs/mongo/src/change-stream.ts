import type { Document, Timestamp } from 'mongodb'
import { PlatformError } from '@millrace/runtime'
import { collectionToFeed } from './across-tenants.ts'
import { HistoryLostError, readChangeEvents, type Change, type ChangeEvent } from './change-events.ts'
import type { ChangePlace } from './change-place.ts'
import { collectionsOf } from './collections.ts'
import { openCommandCursor, type CommandCursor } from './command-cursor.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { FedCollection } from './document-text.ts'

/** How far a feed has come. Opaque outside libs/mongo. */
export type FeedPosition = ChangePlace & {
  /** Where the stream goes on; null right behind a scan, whose time says it. */
  readonly resumeToken: Document | null
}

export type ChangeBatch = {
  readonly changes: readonly Change[]
  /** Behind them, and behind all that has happened to other documents since. */
  readonly to: FeedPosition
}

export type ChangeStream = {
  /** What has come since, at most 16 MiB of documents; empty after half a second without any. Throws HistoryLostError. */
  next(): Promise<ChangeBatch>
  /** Never throws. */
  close(): Promise<void>
}

type OpenStream = { readonly of: FedCollection; readonly from: FeedPosition }

const EVENTS_AT_A_TIME = 1_000
const AWAIT_MS = 500

/** Every change of the collection's documents behind `from`, in order. Throws HistoryLostError. */
export const openChangeStream = async (
  connection: MongoConnection,
  { of: fed, from }: OpenStream,
): Promise<ChangeStream> => {
  let position = from
  const cursor = await knowingLoss(() => openCursor(connection, fed, from), {
    // One that the server will never take leads nowhere, whatever it says of it.
    isLost: ({ retryable }) => from.resumeToken !== null && !retryable,
  })
  return {
    next: () =>
      knowingLoss(async () => {
        const batch = await cursor.next()
        if (!batch) throw new HistoryLostError('collection-gone')
        const { changes, last } = readChangeEvents(fed, batch.documents as readonly ChangeEvent[], position)
        position = { ...last, resumeToken: batch.resumeToken ?? position.resumeToken }
        return { changes, to: position }
      }),
    close: cursor.close,
  }
}

const openCursor = (
  connection: MongoConnection,
  { name }: FedCollection,
  from: FeedPosition,
): Promise<CommandCursor> => {
  const stage = {
    // An event without the document is ours to judge; `required` would only fail.
    fullDocument: 'whenAvailable',
    fullDocumentBeforeChange: 'whenAvailable',
    ...startOf(from),
  }
  return openCommandCursor({
    client: connection.client,
    on: collectionToFeed(collectionsOf(connection), name),
    command: {
      aggregate: name,
      pipeline: [{ $changeStream: stage }],
      readConcern: { level: 'majority' },
    },
    batchSize: EVENTS_AT_A_TIME,
    awaitMs: AWAIT_MS,
  })
}

const startOf = ({
  resumeToken,
  clusterTime,
}: FeedPosition): { resumeAfter: Document } | { startAtOperationTime: Timestamp } =>
  resumeToken ? { resumeAfter: resumeToken } : { startAtOperationTime: clusterTime }

/**
 * InvalidResumeToken, ChangeStreamFatalError, ChangeStreamHistoryLost; and BSONObjectTooLarge, for a document that is so
 * large before and after that the server cannot say both.
 */
const LOST = new Set<unknown>([260, 280, 286, 10334])

const knowingLoss = async <T>(
  work: () => Promise<T>,
  { isLost = () => false }: { isLost?: (error: PlatformError) => boolean } = {},
): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    if (error instanceof HistoryLostError || !(error instanceof PlatformError)) throw error
    if (LOST.has(codeOf(error.cause)) || isLost(error)) throw new HistoryLostError('history-lost', error)
    throw error
  }
}

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
