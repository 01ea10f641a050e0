import type { Timestamp } from 'mongodb'
import { PlatformError } from '@millrace/runtime'
import type { FeedPosition } from './change-stream.ts'
import { collectionsOf } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { ChangefeedDocument } from './documents.ts'
import { translating } from './mongo-error.ts'

/** To what a position belongs: in another topic, or of another collection, it says nothing. */
export type FeedRoute = {
  readonly collection: string
  readonly topic: string
  /** Of the topic: how often it was created. */
  readonly incarnation: number
}

export type FeedProgress = {
  /** Which claim is the valid one. */
  readonly epoch: number
  /** Undefined before a first reconciliation has ended, and while another one is under way. */
  readonly at: { readonly route: FeedRoute; readonly position: FeedPosition } | undefined
  /** A reconciliation was begun, and has not ended. */
  readonly isInterrupted: boolean
}

export type Reconciled = FeedRoute & { readonly position: FeedPosition; readonly reason: string }

/** How far feeds have come. Writes of an epoch that is no longer valid change nothing. */
export type FeedProgresses = {
  /** Takes the feed over: a new epoch. */
  claim(feed: string): Promise<FeedProgress>
  /** False when another has claimed the feed since. */
  save(feed: string, epoch: number, position: FeedPosition): Promise<boolean>
  saveReconciled(feed: string, epoch: number, reconciled: Reconciled): Promise<boolean>
  /**
   * Begins a reconciliation: a time of the database that the majority has, behind all that has happened; undefined when another
   * has claimed. Until it has ended there is no position: what it has published is of no other one.
   */
  beginReconciliation(feed: string, epoch: number): Promise<Timestamp | undefined>
}

export const mongoFeedProgresses = (connection: MongoConnection): FeedProgresses => {
  const { changefeeds } = collectionsOf(connection)
  const set = (feed: string, epoch: number, fields: Partial<ChangefeedDocument>): Promise<boolean> =>
    translating(async () => {
      const { matchedCount } = await changefeeds.updateOne({ _id: feed, epoch }, { $set: fields })
      return matchedCount > 0
    })
  return {
    claim: (feed) =>
      translating(async () => {
        const after = await changefeeds.findOneAndUpdate(
          { _id: feed },
          { $inc: { epoch: 1 } },
          { upsert: true, returnDocument: 'after' },
        )
        if (after) return toProgress(after)
        throw failed('a claimed changefeed is not there')
      }),
    save: (feed, epoch, { clusterTime, ordinal, resumeToken }) =>
      set(feed, epoch, { clusterTime, ordinal, resumeToken }),
    saveReconciled: (feed, epoch, { position, ...reconciled }) =>
      set(feed, epoch, { ...reconciled, ...position, reconciledAt: new Date() }),
    beginReconciliation: (feed, epoch) =>
      translating(() =>
        connection.client.withSession({ causalConsistency: true }, async (session) => {
          const place = { clusterTime: '', ordinal: '', resumeToken: '' } as const
          const change = { $currentDate: { lookedAt: true as const }, $unset: place }
          const { matchedCount } = await changefeeds.updateOne({ _id: feed, epoch }, change, { session })
          if (matchedCount === 0) return undefined
          if (session.operationTime) return session.operationTime
          throw failed('the server has said no time')
        }),
      ),
  }
}

const toProgress = (document: ChangefeedDocument): FeedProgress => {
  const { epoch, topic, incarnation, clusterTime, ordinal, resumeToken = null } = document
  const route = { collection: document.collection, topic, incarnation }
  if (!isKnown(route) || clusterTime === undefined || ordinal === undefined)
    return { epoch, at: undefined, isInterrupted: document.lookedAt !== undefined }
  return { epoch, at: { route, position: { clusterTime, ordinal, resumeToken } }, isInterrupted: false }
}

const isKnown = (route: { [Name in keyof FeedRoute]: FeedRoute[Name] | undefined }): route is FeedRoute =>
  Object.values(route).every((value) => value !== undefined)

const failed = (message: string): PlatformError =>
  new PlatformError({ code: 'MONGO_FAILED', message, retryable: true })
