import type { Codec } from '@millrace/events'
import type { FencedProducer } from '@millrace/kafka'
import type { BuildRegistry, FeedProgresses, FeedShadows, Leases, MongoConnection } from '@millrace/mongo'
import type { Logger } from '@millrace/runtime'
import type { Feed } from './feed.ts'
import type { FeedWatch } from './feed-watch.ts'

/** What all feeds of a process have. */
export type FeedDeps = {
  /** Of the read models. */
  readonly mongo: MongoConnection
  readonly builds: Pick<BuildRegistry, 'read' | 'register'>
  readonly progresses: FeedProgresses
  readonly shadows: FeedShadows
  readonly leases: Leases
  readonly incarnationOf: (topic: string) => Promise<number>
  /** One for each partition of its topic. */
  readonly makeProducers: (feed: Feed) => Promise<readonly FencedProducer[]>
  readonly codec: Pick<Codec, 'encode'>
  readonly owner: string
  readonly leaseMs: number
  readonly watchOf: (feed: string) => FeedWatch
  readonly logger: Logger
}
