import { randomUUID } from 'node:crypto'
import { versionedName, type AnyProjection, type Document, type Place } from '@millrace/domain'
import type { Codec, DomainEvent, RecordedEvent } from '@millrace/events'
import {
  documentId,
  mongoEventStore,
  mongoProjectionStore,
  mongoPublications,
  partialId,
  type DocumentWrite,
  type MongoConnection,
  type ParkedEvent,
} from '@millrace/mongo'

const TOPIC = 'orders.order.events'

type Append = {
  readonly order: string
  readonly partition: number
  readonly events: readonly DomainEvent[]
  /** UTC ms of the first event; the others follow by a minute. */
  readonly at: number
}

type Feed = {
  /** Ids of events that are set aside. */
  readonly parked?: readonly string[]
  /** By partition, the last sequence that is applied; all without it. */
  readonly upTo?: Readonly<Record<number, number>>
}

/** Orders in the event store, the log and the read models, without command-api and projector. */
export type OrderStore = {
  /** Goes on where the stream ends; gives the commit's id and those of its events. */
  append(commit: Append): Promise<{ readonly commitId: string; readonly eventIds: readonly string[] }>
  /** All that was appended since. */
  publish(): Promise<void>
  /** What a projector makes of all that is published. */
  feed(projection: AnyProjection, feed?: Feed): Promise<void>
}

type Logged = RecordedEvent & { readonly partition: number }

export const openOrderStore = (mongo: MongoConnection, codec: Codec): OrderStore => {
  const versions = new Map<string, number>()
  const published = new Map<number, { n: number; events: Logged[] }>()
  let waiting: { readonly commitId: string; readonly events: Logged[] }[] = []
  let order = 0

  const append: OrderStore['append'] = async ({ order: key, partition, events, at }) => {
    const commitId = randomUUID()
    const first = (versions.get(key) ?? 0) + 1
    versions.set(key, first + events.length - 1)
    const identity = { tenant: 'demo', stream: `orders.order-${key}`, key, actor: 'dev' }
    const causes = { correlationId: commitId, causationId: commitId }
    const recorded = events.map((event, index): Logged => ({
      ...{ ...event, ...identity, ...causes, partition, id: randomUUID(), sequence: 0 },
      ...{ version: first + index, occurredAt: at + index * 60_000 },
    }))
    const outcome = await mongoEventStore(mongo).append({
      ...{ _id: commitId, first, topic: TOPIC, partition, order: (order += 1), ...identity, ...causes },
      events: recorded.map(({ id, type, occurredAt }, index) => ({
        ...{ id, type, occurredAt },
        bytes: codec.encode(TOPIC, events[index] as DomainEvent),
      })),
      idempotency: { principal: 'dev', route: 'test', key: commitId, fingerprint: 'f' },
    })
    if (outcome.type !== 'appended') throw new Error(`the commit was ${outcome.type}`)
    waiting.push({ commitId, events: recorded })
    return { commitId, eventIds: recorded.map(({ id }) => id) }
  }

  const publish = async (): Promise<void> => {
    const publications = mongoPublications(mongo)
    for (const [partition, commits] of Map.groupBy(waiting, ({ events }) => events[0]?.partition ?? 0)) {
      const log = published.get(partition) ?? { n: 0, events: [] }
      const firstSequence = log.events.length + 1
      log.n += 1
      for (const event of commits.flatMap(({ events }) => events))
        log.events.push({ ...event, sequence: log.events.length + 1 })
      const record = {
        ...{
          _id: { topic: TOPIC, partition, n: log.n },
          firstSequence,
          state: 'open' as const,
          incarnation: 1,
        },
        commitIds: commits.map(({ commitId }) => commitId),
        eventCounts: commits.map(({ events }) => events.length),
      }
      await publications.open(record)
      await publications.finish(record, { baseOffset: BigInt(firstSequence - 1), incarnation: 1 })
      published.set(partition, log)
    }
    waiting = []
  }

  const feed: OrderStore['feed'] = async (projection, { parked = [], upTo = {} } = {}) => {
    for (const [partition, { events }] of published) {
      const last = upTo[partition] ?? events.length
      await feedLane(mongo, projection, { partition, parked, events: events.slice(0, last) })
    }
  }

  return { append, publish, feed }
}

type Lane = {
  readonly partition: number
  readonly events: readonly Logged[]
  readonly parked: readonly string[]
}

/** From the first event on, over whatever there is. */
const feedLane = async (
  mongo: MongoConnection,
  projection: AnyProjection,
  { partition, events, parked }: Lane,
): Promise<void> => {
  const store = mongoProjectionStore(mongo)
  const id = { projection: versionedName(projection), topic: TOPIC, partition }
  const from = await store.claim(id, { owner: 'test', incarnation: 1 })
  const idOf = ({ tenant }: Logged, { key, part = '' }: Place): string =>
    projection.kind === 'grouped'
      ? partialId({ tenant, key, part, topic: TOPIC, partition })
      : documentId({ tenant, key })
  const documents = new Map<string, Document | null>()
  for (const event of events.filter(({ id: eventId }) => !parked.includes(eventId)))
    for (const place of projection.placesOf(event)) {
      const documentOf = idOf(event, place)
      documents.set(documentOf, projection.evolve(documents.get(documentOf) ?? null, event, place))
    }
  const lastSequence = events.length
  const outcome = await store.commit(id, {
    ...{ from, to: { ...from, nextOffset: lastSequence, lastSequence } },
    writes: [...documents].map(([documentOf, fields]): DocumentWrite => ({
      ...{ id: documentOf, tenant: 'demo', sequence: lastSequence, fields },
    })),
    parked: events.filter((event) => parked.includes(event.id)).map(toParked),
  })
  if (outcome !== 'applied') throw new Error(`the batch was ${outcome}`)
}

const toParked = ({ sequence, tenant, key, occurredAt }: Logged): ParkedEvent => ({
  ...{ sequence, offset: sequence - 1, timestamp: occurredAt, watermark: null, headers: {}, value: null },
  key: Buffer.from(`${tenant}/${key}`),
  reason: { type: 'waits' },
})
