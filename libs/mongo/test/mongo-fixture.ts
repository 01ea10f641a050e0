import { randomUUID } from 'node:crypto'
import { connectMongo, type MongoConnection } from '../src/connect-mongo.ts'
import type { AnswerScope } from '../src/former-answers.ts'
import { ensureStoreIndexes } from '../src/indexes.ts'
import { mongoEventStore, type NewAnswer, type NewCommit } from '../src/event-store.ts'
import {
  mongoPublications,
  type PlanLimits,
  type PlannedCommit,
  type Publications,
} from '../src/publications.ts'
import type { ShardId } from '../src/documents.ts'

export const mongoUrl = process.env['MONGO_URL'] ?? ''

export const uniqueName = (name: string): string => `test-${name}-${randomUUID().slice(0, 8)}`

export type TestDatabase = { readonly connection: MongoConnection; drop(): Promise<void> }

/** A database of its own, with the store's indexes. */
export const openDatabase = async (name: string, url = mongoUrl): Promise<TestDatabase> => {
  const connection = await connectMongo({ url, database: uniqueName(name), clientName: 'mongo-test' })
  await ensureStoreIndexes(connection)
  return {
    connection,
    drop: async () => {
      await connection.db.dropDatabase()
      await connection.close()
    },
  }
}

/** `mongoUrl` by way of another address, without looking for the set's other members. */
export const mongoUrlAt = (host: string): string => {
  const url = new URL(mongoUrl)
  url.host = host
  url.searchParams.delete('replicaSet')
  url.searchParams.set('directConnection', 'true')
  return url.href
}

export const TENANT = 'demo'
export const TOPIC = 'orders.order.events'

export const scope = (key: string): AnswerScope => ({
  tenant: TENANT,
  principal: 'dev',
  route: '/:aggregates/:id/:command',
  key,
})

const idempotencyOf = (key: string) => {
  const { tenant: _, ...rest } = scope(key)
  return { ...rest, fingerprint: `fingerprint of ${key}` }
}

/** A commit of `count` events on `stream`, in partition 0; every one has a key of its own unless told. */
export const commitOf = (
  stream: string,
  first: number,
  given: Partial<NewCommit> & { key?: string; count?: number; bytes?: Buffer; idempotencyKey?: string } = {},
): NewCommit => {
  const { count = 1, bytes, idempotencyKey = randomUUID(), ...rest } = given
  return {
    _id: randomUUID(),
    tenant: TENANT,
    stream,
    key: stream,
    first,
    topic: TOPIC,
    partition: 0,
    order: first,
    events: Array.from({ length: count }, (_, index) => ({
      id: randomUUID(),
      type: 'OrderPlaced',
      occurredAt: 1_000 + index,
      bytes: bytes ?? Buffer.from(`${stream}@${first + index}`),
    })),
    correlationId: 'correlation',
    causationId: 'causation',
    actor: 'dev',
    idempotency: idempotencyOf(idempotencyKey),
    ...rest,
  }
}

export const rejectionOf = (idempotencyKey: string, reason = 'order-not-found'): NewAnswer => ({
  _id: randomUUID(),
  tenant: TENANT,
  idempotency: idempotencyOf(idempotencyKey),
  answer: { status: 422, body: { rejection: reason } },
})

/** Appends commits one after the other and throws when one does not get in. */
export const appendAll = async (
  connection: MongoConnection,
  commits: readonly NewCommit[],
): Promise<void> => {
  const store = mongoEventStore(connection)
  for (const commit of commits) {
    const { type } = await store.append(commit)
    if (type !== 'appended') throw new Error(`${commit.stream}@${commit.first}: ${type}`)
  }
}

/** Carries the commits in one record through all steps, as a relay without trouble does. */
export const publish = async (
  connection: MongoConnection,
  commits: readonly NewCommit[],
  { n, firstSequence }: { n: number; firstSequence: number },
): Promise<void> => {
  const publications = mongoPublications(connection)
  const record = {
    _id: { topic: TOPIC, partition: 0, n },
    firstSequence,
    commitIds: commits.map(({ _id }) => _id),
    eventCounts: commits.map(({ events }) => events.length),
    state: 'open',
    incarnation: 1,
  } as const
  if (!(await publications.open(record))) throw new Error(`record ${n} is taken`)
  await publications.finish(record, { baseOffset: BigInt(firstSequence - 1), incarnation: 1 })
}

/** What the relay would publish next. */
export const planNext = async (
  publications: Publications,
  shard: ShardId,
  limits: PlanLimits,
): Promise<readonly PlannedCommit[]> => {
  let planned: readonly PlannedCommit[] = []
  await publications.sweep(shard, limits, (commits) => {
    planned = commits
    return Promise.resolve(false)
  })
  return planned
}
