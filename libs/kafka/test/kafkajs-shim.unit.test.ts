import { createRequire } from 'node:module'
import { describe, expect, it } from '@jest/globals'
import { groupLinearly, kafkajs, loadKafkajs, scheduleOnlyWhenPending } from '../src/kafkajs-shim.ts'

const load = createRequire(import.meta.url)

type Queue = { pending: unknown[]; throttledUntil: number; throttleCheckTimeoutId: NodeJS.Timeout | null }
type QueueClass = new (options: object) => Queue & {
  scheduleCheckPendingRequests(): void
  checkPendingRequests(): void
  destroy(): void
}

const makeQueue = () => {
  const RequestQueue = load('kafkajs/src/network/requestQueue/index.js') as QueueClass
  const logger = { debug: () => undefined }
  return new RequestQueue({
    maxInFlightRequests: 1,
    requestTimeout: 1_000,
    clientId: 'c',
    broker: 'b',
    logger,
  })
}

describe('the kafkajs shim', () => {
  it('leaves an idle connection without a timer', () => {
    const queue = makeQueue()
    queue.checkPendingRequests()
    expect(queue.throttleCheckTimeoutId).toBeNull()
  })

  it('looks again later while a throttled request waits', () => {
    const queue = makeQueue()
    queue.throttledUntil = Date.now() + 60_000
    queue.pending.push({})
    queue.checkPendingRequests()
    expect(queue.throttleCheckTimeoutId).not.toBeNull()
    queue.destroy()
  })

  it('never arms a timer with a negative delay', () => {
    const queue = makeQueue()
    queue.pending.push({})
    queue.scheduleCheckPendingRequests()
    const timer: unknown = queue.throttleCheckTimeoutId
    expect(timer).toHaveProperty('_idleTimeout', 10)
    queue.destroy()
  })

  it('replaces both functions inside kafkajs', () => {
    const { prototype } = load('kafkajs/src/network/requestQueue/index.js') as { prototype: object }
    expect(prototype).toHaveProperty('scheduleCheckPendingRequests', scheduleOnlyWhenPending)
    expect(load('kafkajs/src/producer/groupMessagesPerPartition.js')).toBe(groupLinearly)
  })

  it('lets the search for a coordinator be tried again while no broker answers', async () => {
    const { prototype } = load('kafkajs/src/cluster/index.js') as {
      prototype: { findGroupCoordinatorMetadata(wanted: object): Promise<unknown> }
    }
    const away = { brokerPool: { withBroker: async () => null } }
    const search = prototype.findGroupCoordinatorMetadata.call(away, { groupId: 'g', coordinatorType: 0 })
    await expect(search).rejects.toMatchObject({
      name: 'KafkaJSGroupCoordinatorNotFound',
      retriable: true,
    })
  })

  it('can be loaded again', () => {
    expect(loadKafkajs()).toBe(kafkajs)
  })

  it('groups 200,000 messages of one partition in less than a second', () => {
    const messages = Array.from({ length: 200_000 }, () => ({ partition: 3 }))
    const startedAt = performance.now()
    const groups = groupLinearly({
      topic: 't',
      partitionMetadata: [{}],
      messages,
      partitioner: ({ message }) => message.partition ?? 0,
    })
    expect(groups[3]).toHaveLength(200_000)
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })

  it('groups nothing while the partitions are unknown', () => {
    const partitioner = () => 0
    expect(groupLinearly({ topic: 't', partitionMetadata: [], messages: [{}], partitioner })).toEqual({})
  })
})
