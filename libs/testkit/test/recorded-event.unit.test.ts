import { describe, expect, it } from '@jest/globals'
import {
  RECORDED_AT_MS,
  heartbeat,
  orderPaid,
  orderPlaced,
  productAdded,
  recorded,
  recordedStream,
} from '@millrace/testkit'

describe('a recorded event', () => {
  it('lies in the stream of its context', () => {
    expect(recorded(orderPlaced(), { key: 'o-1' }).stream).toBe('orders.order-o-1')
    expect(recorded(productAdded(), { key: 'p-1' }).stream).toBe('catalog.product-p-1')
    expect(recorded(heartbeat(), { key: 'm-1:node:7' }).stream).toBe('processes.process-m-1:node:7')
  })

  it('is the same on every run', () => expect(recorded(orderPlaced())).toEqual(recorded(orderPlaced())))

  it('has an id like a UUIDv7, and one of its own per stream and version', () => {
    const [first, second] = recordedStream([orderPlaced(), orderPaid()])
    expect(first?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(second?.id).not.toBe(first?.id)
    expect(recorded(orderPlaced(), { tenant: 'other' }).id).not.toBe(first?.id)
  })

  it('keeps what it says of itself', () => {
    const [, paid] = recordedStream([orderPlaced(), { ...orderPaid(), occurredAt: 5, actor: 'ann' }])
    expect(paid).toMatchObject({ occurredAt: 5, actor: 'ann', version: 2, sequence: 1 })
  })
})

describe('a recorded stream', () => {
  it('counts versions from 1, sequences from 0 and time by the second', () => {
    expect(
      recordedStream([orderPlaced(), orderPaid()]).map(({ version, sequence, occurredAt }) => [
        version,
        sequence,
        occurredAt,
      ]),
    ).toEqual([
      [1, 0, RECORDED_AT_MS],
      [2, 1, RECORDED_AT_MS + 1000],
    ])
  })

  it('goes on from a given version and sequence', () => {
    const events = recordedStream([orderPaid(), orderPaid()], { version: 5, sequence: 70 })
    expect(events.map(({ version, sequence }) => [version, sequence])).toEqual([
      [5, 70],
      [6, 71],
    ])
  })
})
