import { randomUUID } from 'node:crypto'
import type { MongoConnection } from '../src/connect-mongo.ts'
import type { ShardId } from '../src/documents.ts'
import type { NewCommit } from '../src/event-store.ts'
import { mongoLogReader, type LogPage, type LogPosition, type LogQuery } from '../src/log-reader.ts'
import { mongoPublications, type PlannedCommit, type Publication } from '../src/publications.ts'
import { appendAll, commitOf, planNext, TENANT } from './mongo-fixture.ts'

/** The relay's steps on one shard, one by one, without Kafka. */
export type Press = {
  /** Takes pending commits in publication order; null when none waits or a record is open. */
  open(maxEvents?: number): Promise<Publication | null>
  /** Marks the open record as done; false when none is open. */
  finish(): Promise<boolean>
  /** Everything that waits. */
  publish(maxEvents?: number): Promise<void>
}

const eventsOf = (record: Publication): number => record.eventCounts.reduce((sum, count) => sum + count, 0)

export const makePress = (connection: MongoConnection, shard: ShardId, incarnation = 1): Press => {
  const publications = mongoPublications(connection)
  const following = (last: Publication | undefined, planned: readonly PlannedCommit[]) => ({
    _id: { ...shard, n: (last?._id.n ?? 0) + 1 },
    firstSequence: last ? last.firstSequence + eventsOf(last) : 1,
    commitIds: planned.map(({ _id }) => _id),
    eventCounts: planned.map(({ events }) => events.length),
    state: 'open' as const,
    incarnation,
  })
  const open: Press['open'] = async (maxEvents = 1_000) => {
    const last = await publications.last(shard)
    if (last?.state === 'open') return null
    const planned = await planNext(publications, shard, { maxEvents, maxBytes: 1e9 })
    if (planned.length === 0) return null
    const record = following(last, planned)
    if (!(await publications.open(record))) throw new Error('somebody else publishes this shard')
    return record
  }
  const finish = async (): Promise<boolean> => {
    const last = await publications.last(shard)
    if (last?.state !== 'open') return false
    await publications.finish(last, { baseOffset: BigInt(last.firstSequence - 1), incarnation })
    return true
  }
  return {
    open,
    finish,
    publish: async (maxEvents) => {
      do await finish()
      while (await open(maxEvents))
    },
  }
}

/** A topic of its own. */
export type TestLog = {
  readonly shards: readonly ShardId[]
  press(partition: number): Press
  /** Each commit is the first of a stream of its own, unless told. */
  append(
    ...commits: (Parameters<typeof commitOf>[2] & { stream?: string; first?: number })[]
  ): Promise<NewCommit[]>
  publish(maxEvents?: number): Promise<void>
  read(query?: Partial<Omit<LogQuery, 'limits'>> & { limits?: Partial<LogQuery['limits']> }): Promise<LogPage>
}

export const LIMITS = { events: 1_000, bytes: 1e9, lookedAt: 100_000 }

export const openLog = (connection: MongoConnection, partitions: number): TestLog => {
  const topic = `topic-${randomUUID()}`
  const shards = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
  const presses = shards.map((shard) => makePress(connection, shard))
  const reader = mongoLogReader(connection)
  return {
    shards,
    press: (partition) => presses[partition] as Press,
    append: async (...wanted) => {
      const commits = wanted.map(({ stream = `orders.order-${randomUUID()}`, first = 1, ...given }) =>
        commitOf(stream, first, { topic, ...given }),
      )
      await appendAll(connection, commits)
      return commits
    },
    publish: async (maxEvents) => {
      for (const press of presses) await press.publish(maxEvents)
    },
    read: ({ limits, ...query } = {}) =>
      reader.read({
        tenant: TENANT,
        partitions: shards,
        after: {},
        ...query,
        limits: { ...LIMITS, ...limits },
      }),
  }
}

export const idsOf = (events: readonly { readonly id: string }[]): string[] => events.map(({ id }) => id)
export const eventIdsOf = (commits: readonly NewCommit[]): string[] =>
  commits.flatMap(({ events }) => idsOf(events))

/** All pages from `after` to the end. */
export const readToEnd = async (
  read: (after: LogPosition) => Promise<LogPage>,
  after: LogPosition = {},
): Promise<LogPage[]> => {
  const pages: LogPage[] = []
  for (let position = after; ; position = pages.at(-1)?.position ?? after) {
    const page = await read(position)
    pages.push(page)
    if (page.isAtEnd) return pages
  }
}
