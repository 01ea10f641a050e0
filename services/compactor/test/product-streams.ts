import { randomUUID } from 'node:crypto'
import { makeAggregates, streamIdOf, type AggregateRef } from '@millrace/aggregates'
import { catalog } from '@millrace/domain'
import { topics, type Codec, type DomainEvent } from '@millrace/events'
import { partitionFor } from '@millrace/kafka'
import { mongoEventStore, type MongoConnection, type NewCommit } from '@millrace/mongo'

const TOPIC = topics['catalog.product.events']
const EVENTS_PER_COMMIT = 2

export const refOf = (id: string): AggregateRef => ({ tenant: 'demo', context: catalog, id })

const priceOf = (version: number) => ({ amount: version, currency: 'EUR' })

/** Of a product that is added and then gets another price with every event: its version, in cents. */
const eventAt = (version: number): DomainEvent =>
  version === 1
    ? { type: 'ProductAdded', data: { name: 'lamp', category: 'home', price: priceOf(1) } }
    : { type: 'ProductRepriced', data: { price: priceOf(version) } }

export const stateAt = (version: number): unknown => ({ status: 'listed', price: priceOf(version) })

export type Written = { readonly id: string; readonly version: number }

/** Writes events into the store, for the relay of a command-api to publish. */
export const productStreams = (connection: MongoConnection, codec: Codec) => {
  const store = mongoEventStore(connection)

  const commitOf = (
    id: string,
    events: readonly DomainEvent[],
    at: { first: number; ms: number },
  ): NewCommit => {
    const request = randomUUID()
    return {
      _id: randomUUID(),
      ...streamIdOf(refOf(id)),
      key: id,
      first: at.first,
      topic: TOPIC.name,
      partition: partitionFor(`demo/${id}`, TOPIC.partitions),
      order: at.ms * 1_000 + at.first,
      events: events.map((event) => ({
        id: randomUUID(),
        type: event.type,
        occurredAt: at.ms,
        bytes: codec.encode(TOPIC.name, event),
      })),
      correlationId: request,
      causationId: request,
      actor: 'dev',
      idempotency: { principal: 'dev', route: 'test', key: request, fingerprint: 'f' },
    }
  }

  const append = async (commit: NewCommit): Promise<void> => {
    const { type } = await store.append(commit)
    if (type !== 'appended') throw new Error(`${commit.stream}@${commit.first}: ${type}`)
  }

  /** From behind the version it has. */
  const write = async (
    id: string,
    { from, to, ms = Date.now() }: { from: number; to: number; ms?: number },
  ) => {
    for (let first = from + 1; first <= to; first += EVENTS_PER_COMMIT) {
      const count = Math.min(EVENTS_PER_COMMIT, to - first + 1)
      const events = Array.from({ length: count }, (_, index) => eventAt(first + index))
      await append(commitOf(id, events, { first, ms }))
    }
    return { id, version: to }
  }

  return {
    store,
    write,
    writeMany: (count: number, to: number): Promise<Written[]> =>
      Promise.all(Array.from({ length: count }, () => write(`p-${randomUUID()}`, { from: 0, to }))),
    /** Events that no fold can take: nothing was ever added. */
    writeImpossible: async (id: string, count: number): Promise<void> => {
      for (let first = 1; first <= count; first++)
        await append(commitOf(id, [eventAt(2)], { first, ms: Date.now() }))
    },
    aggregates: makeAggregates({ store, codec }),
  }
}

export type ProductStreams = ReturnType<typeof productStreams>
