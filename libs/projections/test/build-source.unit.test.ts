import { expect, it } from '@jest/globals'
import { orderSummary, type AnyProjection } from '@millrace/domain'
import { makeInMemoryCodec } from '@millrace/events'
import type { BuildReader } from '@millrace/mongo'
import { orderPaid, orderPlaced } from '@millrace/testkit'
import { buildSource } from '../src/build-source.ts'
import { FakeLog } from './fake-log.ts'

const TOPIC = 'orders.order.events'
const PLACE = `${TOPIC}/0`
const codec = await makeInMemoryCodec()

/** Three orders are placed and paid; the build has come to the second payment, and has parked the third order. */
const open = async (isInStore: boolean) => {
  const log = new FakeLog(codec)
  for (const key of ['o-1', 'o-2', 'o-3']) log.append(orderPlaced(), { key })
  for (const key of ['o-1', 'o-2', 'o-3']) log.append(orderPaid(), { key })
  const document = { orderId: 'o-2', status: 'placed', version: 1 }
  const asked: (readonly string[])[] = []
  const reader: BuildReader = {
    keys: async function* () {
      yield ['demo/o-1', 'demo/o-2']
    },
    read: async (keys) => {
      asked.push(keys)
      return {
        documents: new Map([['demo/o-2', [{ id: 'demo/o-2', place: PLACE, sequence: 2, fields: document }]]]),
        reached: new Map([[PLACE, 4]]),
        watermarks: new Map([[PLACE, 1]]),
      }
    },
    extent: async () => ({ documents: 2, bytes: 2 }),
    parked: async () => new Map([[3, 'demo/o-3']]),
  }
  const projection = orderSummary as AnyProjection
  const making = { log, codec, projection, shards: [{ topic: TOPIC, partition: 0 }] }
  return { asked, source: buildSource(reader, isInStore ? making : null) }
}

it.each([true, false])('a build is what is in the store, and how far it is (log: %s)', async (isInStore) => {
  const { asked, source } = await open(isInStore)
  const { documents, reached } = await source.read(['demo/o-2', 'demo/o-3'])
  expect([...documents]).toMatchObject([
    ['demo/o-2', [{ place: PLACE, sequence: 2, fields: { version: 1 } }]],
  ])
  expect([...reached]).toEqual([[PLACE, 4]])
  expect(asked).toEqual([['demo/o-2', 'demo/o-3']])
})

it('a build goes on in memory alone, with the documents that were read and what it has parked', async () => {
  const { asked, source } = await open(true)
  const sight = await source.read(['demo/o-2', 'demo/o-3'])
  const { documents, reached } = await sight.at(new Map([[PLACE, 6]]))
  expect([...documents]).toMatchObject([
    ['demo/o-2', [{ place: PLACE, sequence: 5, fields: { status: 'paid', version: 2 } }]],
  ])
  expect([...reached]).toEqual([[PLACE, 6]])
  expect(asked).toHaveLength(1)
})

it('a build of topics that are not in the store stays where it is', async () => {
  const { source } = await open(false)
  const sight = await source.read(['demo/o-2'])
  expect(await sight.at(new Map([[PLACE, 6]]))).toBe(sight)
})
