import type { Document, Timestamp } from 'mongodb'
import type { MessageKey } from '@millrace/events'
import { PlatformError } from '@millrace/runtime'
import { changeId, placeBehind, timeOf, type ChangePlace } from './change-place.ts'
import { documentText, keyOfDocument, type FedCollection } from './document-text.ts'

export type Change = {
  /** Rises from change to change of a feed, as text. */
  readonly id: string
  /** The database's time, UTC milliseconds, to the second. */
  readonly atMs: number
  /** Null for a document of a read model that is not the engine's. */
  readonly key: MessageKey | null
  readonly operation: 'created' | 'updated' | 'deleted'
  /** As JSON; null when it was not there, or nobody knows any more. */
  readonly before: string | null
  readonly after: string | null
}

/**
 * history-lost: the server has no longer, or cannot give, what comes behind the token. no-post-image: nor what a document
 * was after an update. collection-gone: dropped or renamed, which ends its stream.
 */
export type LossReason = 'history-lost' | 'no-post-image' | 'collection-gone'

/** The stream cannot go on from where it was: what happened meanwhile is only found by comparing. */
export class HistoryLostError extends PlatformError {
  readonly reason: LossReason

  constructor(reason: LossReason, cause?: unknown) {
    super({
      code: 'MONGO_HISTORY_LOST',
      message: `the stream of changes cannot go on: ${reason}`,
      retryable: false,
      cause,
    })
    this.name = 'HistoryLostError'
    this.reason = reason
  }
}

/** As the server gives it; only what is used here. */
export type ChangeEvent = {
  readonly operationType: string
  readonly clusterTime: Timestamp
  readonly documentKey?: { readonly _id: unknown }
  readonly fullDocument?: Document | null
  readonly fullDocumentBeforeChange?: Document | null
}

export type ReadChanges = { readonly changes: readonly Change[]; readonly last: ChangePlace }

/** What events of the stream behind `last` say; a scan has seen those that are missing. Throws HistoryLostError. */
export const readChangeEvents = (
  collection: FedCollection,
  events: readonly ChangeEvent[],
  last: ChangePlace,
): ReadChanges => {
  const changes: Change[] = []
  for (const event of events) {
    const place = placeBehind(last, event.clusterTime)
    if (!place) continue
    changes.push(toChange(collection, event, place))
    last = place
  }
  return { changes, last }
}

const OPERATIONS: Readonly<Record<string, Change['operation']>> = {
  insert: 'created',
  update: 'updated',
  replace: 'updated',
  delete: 'deleted',
}

const toChange = (collection: FedCollection, event: ChangeEvent, place: ChangePlace): Change => {
  const { operationType, documentKey, fullDocument, fullDocumentBeforeChange } = event
  const operation = OPERATIONS[operationType]
  if (!operation) throw new HistoryLostError('collection-gone')
  const textOf = (document: Document | null | undefined): string | null =>
    document ? documentText(collection, document) : null
  if (operation !== 'deleted' && !fullDocument) throw new HistoryLostError('no-post-image')
  return {
    id: changeId(place),
    atMs: timeOf(place),
    key: keyOfDocument(collection, documentKey?._id),
    operation,
    before: operation === 'created' ? null : textOf(fullDocumentBeforeChange),
    after: operation === 'deleted' ? null : textOf(fullDocument),
  }
}
