// What must be so in the store after any fault, read past all code of the write side: versions of a stream without
// gaps, one document under one idempotency key, and the inline read model equal to a fold of all events.

import type { MongoConnection } from '@millrace/mongo'
import type { WriteSide } from './write-side.ts'

type StoredCommit = {
  readonly stream: string
  readonly first: number
  readonly last: number
  readonly topic: 'orders.order.events' | 'catalog.product.events'
  readonly idempotency: { readonly route: string; readonly key: string }
  readonly events: readonly {
    readonly id: string
    readonly type: string
    readonly bytes: { readonly buffer: Uint8Array }
  }[]
}

/** Commits in the order of their streams. */
export const commitsIn = (mongo: MongoConnection): Promise<StoredCommit[]> =>
  mongo.db
    .collection('commits')
    .find({ events: { $exists: true } })
    .sort({ stream: 1, first: 1 })
    .map((document) => document as unknown as StoredCommit)
    .toArray()

export const storeFaults = async ({ servers, codec }: WriteSide): Promise<string[]> => {
  const mongo = servers.mongoConnection
  const commits = await commitsIn(mongo)
  return [
    ...versionFaults(commits),
    ...(await keyFaults(mongo)),
    ...(await openOrderFaults(mongo, commits, codec)),
  ]
}

const versionFaults = (commits: readonly StoredCommit[]): string[] => {
  const lastVersion = new Map<string, number>()
  return commits.flatMap(({ stream, first, last, events }) => {
    const before = lastVersion.get(stream) ?? 0
    lastVersion.set(stream, last)
    const isNext = first === before + 1 && last === before + events.length
    return isNext ? [] : [`${stream} has ${first} to ${last} behind ${before}, with ${events.length} events`]
  })
}

const keyFaults = async (mongo: MongoConnection): Promise<string[]> => {
  const used = await mongo.db
    .collection('commits')
    .aggregate<{ _id: string; count: number }>([
      { $group: { _id: '$idempotency.key', count: { $sum: 1 } } },
      { $match: { count: { $gt: 1 } } },
    ])
    .toArray()
  return used.map(({ _id, count }) => `${count} documents under the key ${_id}`)
}

/** Unpaid orders of each customer, from the events alone. */
const countOpenOrders = async (
  commits: readonly StoredCommit[],
  codec: WriteSide['codec'],
): Promise<Map<string, number>> => {
  const customerOf = new Map<string, string>()
  for (const { stream, topic, events } of commits) {
    for (const { type, bytes } of events) {
      if (type === 'OrderPaid' || type === 'OrderCancelled') customerOf.delete(stream)
      if (type !== 'OrderPlaced') continue
      const value = Buffer.from(bytes.buffer)
      await codec.ensureWriters([codec.writerIdOf(value)])
      const { data } = codec.decode(topic, value) as { data: { customerId: string } }
      customerOf.set(stream, data.customerId)
    }
  }
  const open = new Map<string, number>()
  for (const customer of customerOf.values()) open.set(customer, (open.get(customer) ?? 0) + 1)
  return open
}

const openOrderFaults = async (
  mongo: MongoConnection,
  commits: readonly StoredCommit[],
  codec: WriteSide['codec'],
): Promise<string[]> => {
  const documents = await mongo.db
    .collection<{ _id: string; customerId: string; open: number }>('readModel.open-orders.v1')
    .find()
    .toArray()
  const kept = new Map(documents.map(({ customerId, open }) => [customerId, open]))
  const folded = await countOpenOrders(commits, codec)
  return [...new Set([...kept.keys(), ...folded.keys()])].flatMap((customer) => {
    const [has, should] = [kept.get(customer) ?? 0, folded.get(customer) ?? 0]
    return has === should ? [] : [`${customer} has ${has} open orders, by the events ${should}`]
  })
}
