import { Binary, MongoClient, type Collection, type Document } from 'mongodb'
import { v7 as newId } from 'uuid'
import { makeInMemoryCodec, topics } from '@millrace/events'
import { partitionFor } from '@millrace/kafka'

const topic = topics['orders.order.events']

export type BareMongo = {
  readonly client: MongoClient
  collection(database: string, name: string): Collection<Document & { _id: string }>
}

export const connectBareMongo = async (url: string): Promise<BareMongo> => {
  const client = await new MongoClient(url, {
    maxPoolSize: 64,
    writeConcern: { w: 'majority', journal: true },
  }).connect()
  return { client, collection: (database, name) => client.db(database).collection(name) }
}

/** Commits exactly as command-api stores them: one OrderPlaced each, on streams of their own. */
export const makeCommits = async (prefix: string, n: number): Promise<(Document & { _id: string })[]> => {
  const codec = await makeInMemoryCodec()
  const data = {
    customerId: 'c-1',
    currency: 'USD',
    lines: [{ productId: 'p-1', quantity: 2, amount: 1177 }],
  }
  const bytes = codec.encode(topic.name, { type: 'OrderPlaced', data })
  const now = Date.now()
  return Array.from({ length: n }, (_, index) => {
    const id = `${prefix}-${index}`
    const request = newId()
    return {
      _id: newId(),
      tenant: 'demo',
      stream: `orders.order-${id}`,
      key: id,
      first: 1,
      topic: topic.name,
      partition: partitionFor(`demo/${id}`, topic.partitions),
      order: now * 1000 + index,
      events: [{ id: newId(), type: 'OrderPlaced', occurredAt: now, bytes: new Binary(bytes) }],
      correlationId: request,
      causationId: request,
      actor: 'dev',
      idempotency: {
        principal: 'dev',
        route: 'POST /:aggregates/:id/:command',
        key: `bench-${id}`,
        fingerprint: 'f'.repeat(43),
      },
      last: 1,
      committedAt: new Date(now),
      pending: true,
    }
  })
}
