// A collection as it is at one moment of the database's time, whatever happens to it meanwhile: with it a feed begins, and
// finds its way again. The time is chosen by whoever scans, as that of a write of its own which the majority has: so it is
// behind all that anybody can have published until then. The server keeps such a moment for five minutes
// (minSnapshotHistoryWindowInSeconds); a scan that takes longer fails, and may be made again.

import { MongoServerError, type Document, type Timestamp } from 'mongodb'
import { toMessageKey, type MessageKey } from '@millrace/events'
import { collectionToFeed } from './across-tenants.ts'
import { changeId, SCAN_ORDINAL, timeOf } from './change-place.ts'
import type { FeedPosition } from './change-stream.ts'
import { collectionsOf } from './collections.ts'
import { openCommandCursor, type CommandCursor } from './command-cursor.ts'
import type { MongoConnection } from './connect-mongo.ts'
import { documentIdOf, documentText, keyOfDocument, type FedCollection } from './document-text.ts'
import { translating } from './mongo-error.ts'

export type ScannedDocument = { readonly key: MessageKey; readonly text: string }

export type FeedScan = {
  /** Of every change that it finds. */
  readonly id: string
  /** UTC milliseconds. */
  readonly atMs: number
  /** Where the stream begins. */
  readonly position: FeedPosition
  /** All of them, of a read model those of the engine; a page has at most 1,000, or about 4 MiB as text. */
  documents(): AsyncGenerator<readonly ScannedDocument[]>
  /** Which of these keys, as text, have a document. */
  existing(keys: readonly string[]): Promise<ReadonlySet<string>>
}

const DOCUMENTS_AT_A_TIME = 1_000
const PAGE_BYTES = 4 * 1024 * 1024

const NAMESPACE_EXISTS = 48

type CollectionInfo = {
  readonly options?: { readonly changeStreamPreAndPostImages?: { readonly enabled: boolean } }
}

/** Has the server keep what documents are before and after each change; makes the collection if there is none. */
export const prepareFedCollection = (connection: MongoConnection, { name }: FedCollection): Promise<void> =>
  translating(async () => {
    const db = connection.client.db(collectionToFeed(collectionsOf(connection), name).dbName)
    const images = { changeStreamPreAndPostImages: { enabled: true } }
    const [known] = await db.listCollections<CollectionInfo & { name: string }>({ name }).toArray()
    // Only when it is needed: a change of the catalogue ends the snapshots of others.
    if (known?.options?.changeStreamPreAndPostImages?.enabled === true) return
    if (!known && (await isCreated(() => db.createCollection(name, images)))) return
    await db.command({ collMod: name, ...images, writeConcern: { w: 'majority' } })
  })

/** False when somebody else was faster. */
const isCreated = async (create: () => Promise<unknown>): Promise<boolean> => {
  try {
    await create()
    return true
  } catch (error) {
    if (error instanceof MongoServerError && error.code === NAMESPACE_EXISTS) return false
    throw error
  }
}

/** `at`: a time that the majority has. */
export const openFeedScan = (
  connection: MongoConnection,
  collection: FedCollection,
  at: Timestamp,
): FeedScan => {
  const place = { clusterTime: at, ordinal: SCAN_ORDINAL }
  const find = (more: Document): Promise<CommandCursor> => findAt(connection, collection, { at, more })
  return {
    id: changeId(place),
    atMs: timeOf(place),
    position: { ...place, resumeToken: null },
    documents: () => pages(collection, find),
    existing: async (keys) => {
      const ids = keys.map((key) => documentIdOf(collection, key))
      const found = new Set<string>()
      for await (const { _id } of documentsOf(
        find({ filter: { _id: { $in: ids } }, projection: { _id: 1 } }),
      )) {
        const key = keyOfDocument(collection, _id)
        if (key) found.add(toMessageKey(key))
      }
      return found
    },
  }
}

type FindAt = { readonly at: Timestamp; readonly more: Document }

const findAt = (
  connection: MongoConnection,
  { name }: FedCollection,
  { at, more }: FindAt,
): Promise<CommandCursor> =>
  openCommandCursor({
    client: connection.client,
    on: collectionToFeed(collectionsOf(connection), name),
    command: { find: name, ...more, readConcern: { level: 'snapshot', atClusterTime: at } },
    batchSize: DOCUMENTS_AT_A_TIME,
  })

const documentsOf = async function* (opening: Promise<CommandCursor>): AsyncGenerator<Document> {
  const cursor = await opening
  try {
    for (let batch = await cursor.next(); batch; batch = await cursor.next()) yield* batch.documents
  } finally {
    await cursor.close()
  }
}

const pages = async function* (
  collection: FedCollection,
  find: (more: Document) => Promise<CommandCursor>,
): AsyncGenerator<readonly ScannedDocument[]> {
  let page: ScannedDocument[] = []
  let bytes = 0
  for await (const document of documentsOf(find({ sort: { _id: 1 } }))) {
    const key = keyOfDocument(collection, document['_id'])
    if (!key) continue
    const text = documentText(collection, document)
    page.push({ key, text })
    bytes += text.length
    if (page.length < DOCUMENTS_AT_A_TIME && bytes < PAGE_BYTES) continue
    yield page
    page = []
    bytes = 0
  }
  if (page.length > 0) yield page
}
