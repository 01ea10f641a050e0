import type { Binary } from 'mongodb'
import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf, type CommitDocument, type PublicationDocument, type ShardId } from './documents.ts'
import { isDuplicateKey, translating } from './mongo-error.ts'

export type PlannedEvent = {
  readonly id: string
  readonly type: string
  readonly occurredAt: number
  readonly bytes: Buffer
}

/** A commit as the relay needs it. */
export type PlannedCommit = Pick<
  CommitDocument,
  '_id' | 'tenant' | 'stream' | 'key' | 'first' | 'committedAt' | 'correlationId' | 'causationId' | 'actor'
> & { readonly traceparent?: string; readonly events: readonly PlannedEvent[] }

export type Publication = PublicationDocument

export type PlanLimits = { readonly maxEvents: number; readonly maxBytes: number }

export type Publications = {
  /** The newest record of the shard, whatever its state. */
  last(shard: ShardId): Promise<Publication | undefined>
  /** The oldest record that still has to be produced: open, or produced into an earlier topic of that name. */
  firstUnfinished(shard: ShardId, incarnation: number): Promise<Publication | undefined>
  /** Commits of a record, in its order. */
  commitsOf(publication: Publication): Promise<PlannedCommit[]>
  /** Pending commits in publication order, from one snapshot, within the limits (at least one commit). */
  plan(shard: ShardId, limits: PlanLimits): Promise<PlannedCommit[]>
  /** False when another relay was first to take this number: the plan is void. */
  open(record: Publication): Promise<boolean>
  /** Marks the commits as published, then the record as done. Repeatable. */
  finish(record: Publication, produced: { baseOffset: bigint; incarnation: number }): Promise<void>
  /** Commit time of the oldest commit that waits, over all shards. */
  oldestPending(): Promise<Date | undefined>
  countPending(): Promise<number>
}

const bytesOf = (binary: Binary): Buffer => Buffer.from(binary.buffer)

const toPlanned = (commit: CommitDocument): PlannedCommit => ({
  _id: commit._id,
  tenant: commit.tenant,
  stream: commit.stream,
  key: commit.key,
  first: commit.first,
  committedAt: commit.committedAt,
  correlationId: commit.correlationId,
  causationId: commit.causationId,
  actor: commit.actor,
  ...(commit.traceparent === undefined ? {} : { traceparent: commit.traceparent }),
  events: commit.events.map((event) => ({ ...event, bytes: bytesOf(event.bytes) })),
})

/** Headers and key of one event on Kafka, generously; the exact size is checked at the door. */
const EVENT_OVERHEAD_BYTES = 1_024
const sizeOf = (commit: PlannedCommit): number =>
  commit.events.reduce((sum, event) => sum + event.bytes.length + EVENT_OVERHEAD_BYTES, 0)

export const mongoPublications = (connection: MongoConnection): Publications => {
  const { commits, publications } = collectionsOf(connection.db)
  const shardFilter = (shard: ShardId) => ({ '_id.topic': shard.topic, '_id.partition': shard.partition })
  const pendingFilter = (shard: ShardId) => ({
    topic: shard.topic,
    partition: shard.partition,
    pending: true as const,
  })

  const plan = async (shard: ShardId, limits: PlanLimits): Promise<PlannedCommit[]> => {
    // A snapshot, so that a version is never seen without its predecessor while the cursor moves on.
    const cursor = commits
      .find(pendingFilter(shard), { readConcern: { level: 'snapshot' } })
      .sort({ order: 1 })
      .limit(limits.maxEvents)
    const planned: PlannedCommit[] = []
    let events = 0
    let bytes = 0
    for await (const commit of cursor) {
      const next = toPlanned(commit)
      events += next.events.length
      bytes += sizeOf(next)
      if (planned.length > 0 && (events > limits.maxEvents || bytes > limits.maxBytes)) break
      planned.push(next)
    }
    return planned
  }

  const open = async (record: Publication): Promise<boolean> => {
    try {
      await publications.insertOne(record)
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  const finish = async (
    record: Publication,
    produced: { baseOffset: bigint; incarnation: number },
  ): Promise<void> => {
    await commits.updateMany(
      { _id: { $in: [...record.commitIds] }, pending: true },
      { $unset: { pending: '' }, $set: { publication: record._id.n } },
    )
    await publications.updateOne(
      { _id: record._id },
      { $set: { state: 'done', baseOffset: Number(produced.baseOffset), incarnation: produced.incarnation } },
    )
  }

  return {
    last: (shard) =>
      translating(async () => {
        const found = await publications.find(shardFilter(shard)).sort({ '_id.n': -1 }).limit(1).toArray()
        return found[0]
      }),
    firstUnfinished: (shard, incarnation) =>
      translating(async () => {
        const open = {
          ...shardFilter(shard),
          $or: [{ state: 'open' as const }, { incarnation: { $lt: incarnation } }],
        }
        const found = await publications.find(open).sort({ '_id.n': 1 }).limit(1).toArray()
        return found[0]
      }),
    commitsOf: (publication) =>
      translating(async () => {
        const found = await commits.find({ _id: { $in: [...publication.commitIds] } }).toArray()
        const byId = new Map(found.map((commit) => [commit._id, commit]))
        return publication.commitIds.flatMap((id) => {
          const commit = byId.get(id)
          return commit ? [toPlanned(commit)] : []
        })
      }),
    plan: (shard, limits) => translating(() => plan(shard, limits)),
    open: (record) => translating(() => open(record)),
    finish: (record, produced) => translating(() => finish(record, produced)),
    oldestPending: () =>
      translating(async () => {
        const [found] = await commits
          .find({ pending: true })
          .hint('pending')
          .project({ committedAt: 1 })
          .sort({ committedAt: 1 })
          .limit(1)
          .toArray()
        return found?.['committedAt'] instanceof Date ? found['committedAt'] : undefined
      }),
    countPending: () => translating(() => commits.countDocuments({ pending: true }, { hint: 'pending' })),
  }
}
