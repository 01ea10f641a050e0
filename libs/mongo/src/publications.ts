import type { Binary, ClientSession, Filter } from 'mongodb'
import { commitsToPublish } from './across-tenants.ts'
import { collectionsOf, type Collections } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { CommitDocument, PublicationDocument, ShardId } from './documents.ts'
import { isDuplicateKey, translating } from './mongo-error.ts'
import { inShard } from './publication-records.ts'
import { publishedBytes } from './published-bytes.ts'
import { inTransaction } from './transaction.ts'

export type PlannedEvent = {
  readonly id: string
  readonly type: string
  readonly occurredAt: number
  readonly bytes: Buffer
  readonly metadata?: Readonly<Record<string, string>>
}

/** A commit as the relay needs it. */
export type PlannedCommit = Pick<
  CommitDocument,
  '_id' | 'tenant' | 'stream' | 'key' | 'first' | 'committedAt' | 'correlationId' | 'causationId' | 'actor'
> & { readonly traceparent?: string; readonly events: readonly PlannedEvent[] }

export type Publication = PublicationDocument

export type PlanLimits = { readonly maxEvents: number; readonly maxBytes: number }

/** False: enough. */
type Publish = (commits: readonly PlannedCommit[]) => Promise<boolean>

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
  /**
   * Hands pending commits over in publication order, batch by batch (within the limits, at least one commit each),
   * all from one snapshot; the next batch is read while one is published. Ends when there are no more, or `publish`
   * says that it will take no more. True when more may be waiting.
   */
  sweep(shard: ShardId, limits: PlanLimits, publish: Publish): Promise<boolean>
  /** False when another relay was first to take this number: the plan is void. */
  open(record: Publication): Promise<boolean>
  /** Marks the commits as published and the record as done. Repeatable; a later incarnation's mark stays. */
  finish(record: Publication, produced: { baseOffset: bigint; incarnation: number }): Promise<void>
  /** Commit time of the commit that waits longest in any of the shards. */
  oldestPending(shards: readonly ShardId[]): Promise<Date | undefined>
  countPending(): Promise<number>
}

/** A view: the bytes are on their way to Kafka and are not kept. */
const bytesOf = ({ buffer: view }: Binary): Buffer =>
  Buffer.from(view.buffer, view.byteOffset, view.byteLength)

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

const sizeOf = (commit: PlannedCommit): number =>
  commit.events.reduce((sum, event) => sum + publishedBytes(event), 0)

export const mongoPublications = (connection: MongoConnection): Publications => {
  const collections = collectionsOf(connection)
  const { publications } = collections
  const commits = commitsToPublish(collections)
  const inSession = <T>(work: (at: At) => Promise<T>): Promise<T> =>
    translating(() => connection.inCausalSession((session) => work({ commits, publications, session })))
  return {
    last: (shard) => inSession((at) => findFirst(at, inShard(shard), -1)),
    withNumber: (shard, n) => inSession((at) => findFirst(at, { ...inShard(shard), '_id.n': n }, 1)),
    firstUnfinished: (shard, incarnation, after = 0) => {
      const unfinished = [{ state: 'open' as const }, { incarnation: { $lt: incarnation } }]
      return inSession((at) =>
        findFirst(at, { ...inShard(shard), '_id.n': { $gt: after }, $or: unfinished }, 1),
      )
    },
    commitsOf: (publication) => inSession((at) => commitsOf(at, publication)),
    sweep: (shard, limits, publish) => inSession((at) => sweep(at, shard, { limits, publish })),
    open: (record) => inSession((at) => open(at, record)),
    finish: (record, produced) => inSession(async (at) => void (await finish(at, record, produced))),
    oldestPending: (shards) => inSession((at) => oldestPending(at, shards)),
    countPending: () => translating(() => commits.countDocuments({ pending: true }, { hint: 'pending' })),
  }
}

/** Causal sessions carry the protocol: a plan that missed the last `finish` would publish its commits again. */
type At = {
  readonly commits: ReturnType<typeof commitsToPublish>
  readonly publications: Collections['publications']
  readonly session: ClientSession
}

const findFirst = async (
  { publications, session }: At,
  filter: Filter<PublicationDocument>,
  byNumber: 1 | -1,
): Promise<Publication | undefined> => {
  const found = await publications.find(filter, { session }).sort({ '_id.n': byNumber }).limit(1).toArray()
  return found[0]
}

/** A sweep is read from one snapshot, which the server keeps for minutes only. */
const SWEEP_COMMITS = 20_000

/** Everything that neither the log nor an order of publication needs stays on the server. */
const PLANNED_FIELDS = { idempotency: 0, last: 0, topic: 0, partition: 0, order: 0, pending: 0 }

/** We wrote the strings ourselves: checking them again costs a fifth of the reading. */
const AS_WRITTEN = { enableUtf8Validation: false }

/**
 * One snapshot, so that a version is never seen without its predecessor while the cursor moves on. And one cursor
 * for many batches: looking for the first pending commit anew would each time pass by all that were published in
 * the last minutes, whose places in the index the server keeps for old snapshots.
 */
const sweep = async (
  { commits, session }: At,
  { topic, partition }: ShardId,
  { limits, publish }: { limits: PlanLimits; publish: Publish },
): Promise<boolean> => {
  const cursor = commits
    .find({ topic, partition, pending: true }, { session, readConcern: { level: 'snapshot' }, ...AS_WRITTEN })
    .project<CommitDocument>(PLANNED_FIELDS)
    .sort({ order: 1 })
    .limit(SWEEP_COMMITS)
    .batchSize(limits.maxEvents)
  const batches = inBatches(cursor, limits)
  let seen = 0
  try {
    for (let next = batches.next(); ;) {
      const { value: batch, done } = await next
      if (done) return seen === SWEEP_COMMITS
      next = batches.next()
      // It is looked at in the next round, if there is one.
      next.catch(() => undefined)
      seen += batch.length
      if (!(await publish(batch))) return true
    }
  } finally {
    await cursor.close()
  }
}

async function* inBatches(
  commits: AsyncIterable<CommitDocument>,
  limits: PlanLimits,
): AsyncGenerator<PlannedCommit[], undefined> {
  let batch: PlannedCommit[] = []
  let events = 0
  let bytes = 0
  for await (const commit of commits) {
    const next = toPlanned(commit)
    const isFull = events + next.events.length > limits.maxEvents || bytes + sizeOf(next) > limits.maxBytes
    if (isFull && batch.length > 0) {
      yield batch
      batch = []
      events = 0
      bytes = 0
    }
    batch.push(next)
    events += next.events.length
    bytes += sizeOf(next)
  }
  if (batch.length > 0) yield batch
  return undefined
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

/** One transaction, so that the journal is waited for once; it writes nothing that its repetition would not. */
const finish = (
  { commits, publications, session }: At,
  record: Publication,
  { baseOffset, incarnation }: { baseOffset: bigint; incarnation: number },
): Promise<unknown> => {
  const { n } = record._id
  return inTransaction(session, async () => {
    await commits.updateMany(
      { _id: { $in: [...record.commitIds] }, pending: true },
      { $unset: { pending: '' }, $set: { publication: n } },
      { session },
    )
    await publications.updateOne(
      { ...inShard(record._id), '_id.n': n, incarnation: { $lte: incarnation } },
      { $set: { state: 'done', baseOffset: Number(baseOffset), incarnation } },
      { session },
    )
  })
}

/** The first of each shard in publication order, which is the order of commit but for the clocks of replicas. */
const oldestPending = async (
  { commits, session }: At,
  shards: readonly ShardId[],
): Promise<Date | undefined> => {
  const firsts = await Promise.all(
    shards.map(({ topic, partition }) =>
      commits
        .find({ topic, partition, pending: true }, { session })
        .project<Pick<CommitDocument, 'committedAt'>>({ committedAt: 1 })
        .sort({ order: 1 })
        .limit(1)
        .next(),
    ),
  )
  const times = firsts.flatMap((commit) => (commit ? [commit.committedAt.getTime()] : []))
  return times.length === 0 ? undefined : new Date(Math.min(...times))
}
