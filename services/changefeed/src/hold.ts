import type { OutgoingMessage } from '@millrace/kafka'
import type { FedCollection, FeedProgresses, FeedRoute, FeedShadows, MongoConnection } from '@millrace/mongo'
import type { Logger } from '@millrace/runtime'
import type { FeedPublisher } from './feed-publisher.ts'
import type { FeedWatch } from './feed-watch.ts'
import type { FoundChange } from './to-message.ts'

/** A feed, for as long as it is ours. */
export type Hold = {
  /** Name of the feed. */
  readonly feed: string
  /** Of its progress. */
  readonly epoch: number
  readonly mongo: MongoConnection
  readonly progresses: FeedProgresses
  readonly shadows: FeedShadows
  readonly publisher: FeedPublisher
  readonly toMessage: (change: FoundChange) => OutgoingMessage
  /** From where to where it goes at this moment. */
  readonly route: () => Promise<FeedRoute & { readonly of: FedCollection }>
  /** False when it is to end. Throws FeedLostError when the feed is another's. */
  readonly goesOn: () => Promise<boolean>
  readonly stopping: AbortSignal
  /** After a loss. */
  readonly restMs: number
  readonly watch: FeedWatch
  readonly logger: Logger
}
