// A shop whose clients never rest: orders live or are cancelled, products get other prices, some things happened long ago
// or are said to happen in the year 9999. Now and then somebody writes a record to Kafka that the relay would not: from
// then on its key is parked, whatever comes later under it.

import { randomInt } from 'node:crypto'
import { toMessageKey, topics } from '@millrace/events'
import { makePartitionProducer, partitionFor } from '@millrace/kafka'
import { eventually } from '@millrace/testkit'
import {
  addProduct,
  appendPrice,
  cancelOrder,
  payOrder,
  placeOrder,
  untilAnswered,
  type WriteCall,
} from '../write-side/write-call.ts'
import type { ReadSide } from './read-side.ts'

export type ShopReport = {
  readonly answered: number
  /** What was answered with anything but 200. */
  readonly faults: readonly string[]
}

export type Shop = { answered(): number; stop(): Promise<ShopReport> }

const CLIENTS = 6
/** So many that the documents of most of them rest for a while: one that changes all the time cannot be compared. */
const CUSTOMERS = 1_000
/** One in so many orders happens at another time. */
const ODD_TIMES = 20
const TIMES = ['1970-01-01T00:00:00Z', '2001-02-03T04:05:06Z', '9999-12-31T23:59:59Z'] as const

const pick = <T>(list: readonly T[]): T => list[randomInt(list.length)] as T

const at = (call: WriteCall, occurredAt: string): WriteCall => ({
  ...call,
  body: { ...(call.body as object), occurredAt },
})

export const openShop = async (side: ReadSide): Promise<Shop> => {
  const faults: string[] = []
  let answered = 0
  let isOpen = true
  const ask = async (call: WriteCall): Promise<void> => {
    const { status, text } = await untilAnswered([side.shop], call)
    if (status === 200) answered += 1
    else faults.push(`${call.path} was answered with ${status}: ${text}`)
  }
  const customers = Array.from({ length: CUSTOMERS }, () => side.newId())
  const products = Array.from({ length: CLIENTS }, () => side.newId())
  await Promise.all(products.map((product) => ask(addProduct(product))))
  const sell = async (): Promise<void> => {
    while (isOpen) {
      const order = side.newId()
      const placing = placeOrder(order, pick(customers))
      await ask(randomInt(ODD_TIMES) === 0 ? at(placing, pick(TIMES)) : placing)
      if (randomInt(4) > 0) await ask(randomInt(3) > 0 ? payOrder(order) : cancelOrder(order))
      if (randomInt(3) === 0) await ask(appendPrice(pick(products), 'any', randomInt(1, 1_000)))
    }
  }
  const selling = Promise.all(Array.from({ length: CLIENTS }, sell))
  return {
    answered: () => answered,
    stop: async () => {
      isOpen = false
      await selling
      return { answered, faults }
    },
  }
}

const TOPIC = topics['orders.order.events']

/** An order whose key is parked in all that orders flow into, from the middle of its life on. Gives that key. */
export const spoilOrder = async ({ kafka, newId, shop }: ReadSide): Promise<string> => {
  const order = newId()
  await untilAnswered([shop], placeOrder(order, newId()))
  const key = toMessageKey({ tenant: 'demo', key: order })
  const partition = partitionFor(key, TOPIC.partitions)
  await eventually(
    async () => {
      const producer = makePartitionProducer(kafka, { topic: TOPIC.name, partition })
      try {
        await producer.send([{ key, value: Buffer.from('written by nobody we know'), headers: {} }])
      } finally {
        await producer.close()
      }
      return true
    },
    Boolean,
    { timeoutMs: 120_000, everyMs: 500 },
  )
  await untilAnswered([shop], payOrder(order))
  return key
}
