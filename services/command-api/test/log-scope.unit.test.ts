import { describe, expect, it } from '@jest/globals'
import { topics } from '@millrace/events'
import { everything, findCategory, findTypeStream } from '../src/http/streams/log-scope.ts'

const countOf = (topic: 'orders.order.events' | 'catalog.product.events'): number => topics[topic].partitions

describe('a log', () => {
  it('of everything has all partitions of all event topics, each once', () => {
    const { partitions } = everything()
    expect(partitions).toHaveLength(countOf('orders.order.events') + countOf('catalog.product.events'))
    expect(new Set(partitions.map((shard) => JSON.stringify(shard))).size).toBe(partitions.length)
  })

  it('of a category has the partitions of its topic', () => {
    const topic = 'catalog.product.events'
    expect(findCategory('catalog.product')?.partitions).toEqual(
      Array.from({ length: countOf(topic) }, (_, partition) => ({ topic, partition })),
    )
  })

  it('of a type has the partitions of the topics that carry it, and every form it is stored in', () => {
    const scope = findTypeStream('OrderPaid')
    expect(new Set(scope?.partitions.map(({ topic }) => topic))).toEqual(new Set(['orders.order.events']))
    expect(scope?.types).toContain('OrderPaid')
  })

  it.each([
    'orders',
    'orders.order.events',
    'orders.order-1',
    'heartbeat.received',
    '',
    '__proto__',
    'constructor',
  ])('of no category is none: "%s"', (name) => {
    expect(findCategory(name)).toBeUndefined()
  })

  it.each(['orderPlaced', 'HeartbeatReceived', 'ProcessState', 'Money', '', '__proto__', 'toString'])(
    'of a type that the event store does not hold is none: "%s"',
    (type) => {
      expect(findTypeStream(type)).toBeUndefined()
    },
  )
})
