// Order events on Kafka as command-api's relay would have put them there: four an order, of orders that interleave as a
// busy shop's do. Nothing is kept in memory: a log may be as long as one likes.

import { v7 as newId } from 'uuid'
import { connectCodec, type Codec, toHeaders, toMessageKey, topics, type DomainEvent } from '@millrace/events'
import { connectKafka, makePartitionProducer, partitionFor, type OutgoingMessage } from '@millrace/kafka'
import { silentLogger } from '@millrace/runtime'
import type { BenchServers } from './servers.ts'

export const TOPIC = topics['orders.order.events']
export const EVENTS_PER_ORDER = 4
const SEND = 1_000
/** So many orders go through their steps together. */
const TOGETHER = 500
const DAY_MS = 86_400_000
const STEP_MS = 60_000

/** Whose orders of what, and when: customers and products take turns. */
export type Shop = { readonly customers: number; readonly products: number; readonly ordersPerDay: number }

export type OrderLog = {
  /** Goes on until there are so many events in all, rounded up to whole orders. */
  growTo(events: number): Promise<void>
  /** The `step`-th event of an order, from 0, and where it comes to be. */
  append(order: number, step: number): EventPlace & { readonly sent: Promise<unknown> }
  close(): Promise<void>
}

export type EventPlace = { readonly partition: number; readonly sequence: number }

const eventOf = ({ customers, products }: Shop, order: number, step: number): DomainEvent => {
  const customerId = `c-${order % customers}`
  switch (step) {
    case 0: {
      const lines = [{ productId: `p-${order % products}`, quantity: 2, amount: 1177 }]
      return { type: 'OrderPlaced', data: { customerId, currency: 'USD', lines } }
    }
    case 1:
      return {
        type: 'OrderPaid',
        data: { customerId, method: 'card', total: { amount: 1177, currency: 'USD' } },
      }
    case 2:
      return { type: 'OrderShipped', data: { customerId, carrier: 'post', trackingId: null } }
    default:
      return { type: 'OrderDelivered', data: { customerId } }
  }
}

type Place = EventPlace & { readonly order: number; readonly step: number }

/** What the relay would send, without the keys. */
const makeMessages = (codec: Codec, shop: Shop) => {
  const openedAt = Date.now()
  return ({ order, step, sequence }: Place): Pick<OutgoingMessage, 'value' | 'headers'> => {
    const event = eventOf(shop, order, step)
    const id = newId()
    const headers = toHeaders({
      id,
      type: event.type,
      tenant: 'demo',
      stream: `orders.order-bench-${order}`,
      version: step + 1,
      occurredAt: openedAt + Math.floor((order * DAY_MS) / shop.ordersPerDay) + step * STEP_MS,
      correlationId: id,
      causationId: id,
      actor: 'dev',
      sequence,
      traceparent: null,
    })
    return { value: codec.encode(TOPIC.name, event), headers }
  }
}

export const openOrderLog = async (servers: BenchServers, shop: Shop): Promise<OrderLog> => {
  const messageOf = makeMessages(await connectCodec({ registryUrl: servers.registry }), shop)
  const kafka = connectKafka({ brokers: [servers.kafka], clientId: 'bench', logger: silentLogger })
  const lanes = Array.from({ length: TOPIC.partitions }, (_, partition) => ({
    sequence: 0,
    waiting: [] as OutgoingMessage[],
    producer: makePartitionProducer(kafka, { topic: TOPIC.name, partition }),
  }))
  let orders = 0

  const put = (order: number, step: number) => {
    const key = toMessageKey({ tenant: 'demo', key: `bench-${order}` })
    const partition = partitionFor(key, TOPIC.partitions)
    const lane = lanes[partition]
    if (!lane) throw new Error(`order ${order} has no partition`)
    const sequence = ++lane.sequence
    lane.waiting.push({ key, ...messageOf({ order, step, partition, sequence }) })
    return { lane, partition, sequence }
  }
  const send = async (atLeast: number): Promise<void> => {
    const full = lanes.filter(({ waiting }) => waiting.length >= atLeast)
    await Promise.all(full.map(({ waiting, producer }) => producer.send(waiting.splice(0, SEND))))
  }
  return {
    growTo: async (events) => {
      const end = Math.ceil(events / EVENTS_PER_ORDER)
      for (; orders < end; orders = Math.min(orders + TOGETHER, end)) {
        for (let step = 0; step < EVENTS_PER_ORDER; step++)
          for (let order = orders; order < Math.min(orders + TOGETHER, end); order++) put(order, step)
        await send(SEND)
      }
      await send(1)
    },
    append: (order, step) => {
      const { lane, ...place } = put(order, step)
      return { ...place, sent: lane.producer.send(lane.waiting.splice(0)) }
    },
    close: async () => void (await Promise.all(lanes.map(({ producer }) => producer.close()))),
  }
}
