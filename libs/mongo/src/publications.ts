import type { Binary, ClientSession, Collection, Filter } from 'mongodb'
import type { MongoConnection } from './connect-mongo.ts'
import {
  collectionsOf,
  type Collections,
  type CommitDocument,
  type PublicationDocument,
  type ShardId,
} from './documents.ts'
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
  withNumber(shard: ShardId, n: number): Promise<Publication | undefined>
  /**
   * The oldest record behind number `after` that still has to be produced: open, or produced into an earlier topic
   * of that name.
   */
  firstUnfinished(shard: ShardId, incarnation: number, after?: number): Promise<Publication | undefined>
  /** Commits of a record, in its order. */
  commitsOf(publication: Publication): Promise<PlannedCommit[]>
  /** Pending commits in publication order, from one snapshot, within the limits (at least one commit). */
  plan(shard: ShardId, limits: PlanLimits): Promise<PlannedCommit[]>
  /** False when another relay was first to take this number: the plan is void. */
  open(record: Publication): Promise<boolean>
  /** Marks the commits as published, then the record as done. Repeatable; a later incarnation's mark stays. */
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

const shardFilter = ({ topic, partition }: ShardId) => ({ '_id.topic': topic, '_id.partition': partition })

export const mongoPublications = (connection: MongoConnection): Publications => {
  const collections = collectionsOf(connection.db)
  const { commits } = collections
  const inSession = <T>(work: (at: At) => Promise<T>): Promise<T> =>
    translating(() => connection.inCausalSession((session) => work({ ...collections, session })))
  return {
    last: (shard) => inSession((at) => findFirst(at, shardFilter(shard), -1)),
    withNumber: (shard, n) => inSession((at) => findFirst(at, { ...shardFilter(shard), '_id.n': n }, 1)),
    firstUnfinished: (shard, incarnation, after = 0) => {
      const unfinished = [{ state: 'open' as const }, { incarnation: { $lt: incarnation } }]
      return inSession((at) =>
        findFirst(at, { ...shardFilter(shard), '_id.n': { $gt: after }, $or: unfinished }, 1),
      )
    },
    commitsOf: (publication) => inSession((at) => commitsOf(at, publication)),
    plan: (shard, limits) => inSession((at) => plan(at, shard, limits)),
    open: (record) => inSession((at) => open(at, record)),
    finish: (record, produced) => inSession((at) => finish(at, record, produced)),
    oldestPending: () => translating(() => oldestPending(commits)),
    countPending: () => translating(() => commits.countDocuments({ pending: true }, { hint: 'pending' })),
  }
}

/** Causal sessions carry the protocol: a plan that missed the last `finish` would publish its commits again. */
type At = Pick<Collections, 'commits' | 'publications'> & { readonly session: ClientSession }

const findFirst = async (
  { publications, session }: At,
  filter: Filter<PublicationDocument>,
  byNumber: 1 | -1,
): Promise<Publication | undefined> => {
  const found = await publications.find(filter, { session }).sort({ '_id.n': byNumber }).limit(1).toArray()
  return found[0]
}

const plan = async (
  { commits, session }: At,
  { topic, partition }: ShardId,
  limits: PlanLimits,
): Promise<PlannedCommit[]> => {
  // A snapshot, so that a version is never seen without its predecessor while the cursor moves on.
  const cursor = commits
    .find({ topic, partition, pending: true }, { session, readConcern: { level: 'snapshot' } })
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

const commitsOf = async ({ commits, session }: At, { commitIds }: Publication): Promise<PlannedCommit[]> => {
  const found = await commits.find({ _id: { $in: [...commitIds] } }, { session }).toArray()
  const byId = new Map(found.map((commit) => [commit._id, commit]))
  return commitIds.flatMap((id) => {
    const commit = byId.get(id)
    return commit ? [toPlanned(commit)] : []
  })
}

const open = async ({ publications, session }: At, record: Publication): Promise<boolean> => {
  // Members and their order are the identity of an embedded `_id`.
  const { topic, partition, n } = record._id
  try {
    await publications.insertOne({ ...record, _id: { topic, partition, n } }, { session })
    return true
  } catch (error) {
    if (isDuplicateKey(error)) return false
    throw error
  }
}

const finish = async (
  { commits, publications, session }: At,
  record: Publication,
  { baseOffset, incarnation }: { baseOffset: bigint; incarnation: number },
): Promise<void> => {
  const { n } = record._id
  await commits.updateMany(
    { _id: { $in: [...record.commitIds] }, pending: true },
    { $unset: { pending: '' }, $set: { publication: n } },
    { session },
  )
  await publications.updateOne(
    { ...shardFilter(record._id), '_id.n': n, incarnation: { $lte: incarnation } },
    { $set: { state: 'done', baseOffset: Number(baseOffset), incarnation } },
    { session },
  )
}

const oldestPending = async (commits: Collection<CommitDocument>): Promise<Date | undefined> => {
  const [oldest] = await commits
    .find({ pending: true })
    .hint('pending')
    .project<Pick<CommitDocument, 'committedAt'>>({ committedAt: 1 })
    .sort({ committedAt: 1 })
    .limit(1)
    .toArray()
  return oldest?.committedAt
}
