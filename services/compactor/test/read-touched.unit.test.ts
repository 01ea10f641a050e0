import { describe, expect, it } from '@jest/globals'
import { toHeaders } from '@millrace/events'
import type { KafkaRecord } from '@millrace/kafka'
import { orderPlaced, recorded } from '@millrace/testkit'
import { readTouched } from '../src/read-touched.ts'

type Given = {
  readonly id?: string
  readonly tenant?: string
  readonly version?: number
  readonly stream?: string
}

/** A record whose sequence and time follow from its offset. */
const record = (offset: number, given: Given = {}): KafkaRecord => {
  const { id = 'o-1', tenant = 'demo', version = offset + 1, stream = `orders.order-${id}` } = given
  const event = recorded(orderPlaced(), {
    tenant,
    key: id,
    stream,
    version,
    sequence: offset + 1,
    id: `e-${offset}`,
  })
  return {
    topic: 'orders.order.events',
    partition: 0,
    offset: BigInt(offset),
    timestamp: offset * 1_000,
    key: null,
    value: null,
    headers: toHeaders({ ...event, traceparent: null }),
  }
}

describe('what a stretch of the log touches', () => {
  it('is each stream once, at its highest version and that one’s time', () => {
    const { touched } = readTouched([
      record(0, { id: 'a', version: 7 }),
      record(1, { id: 'b', version: 3 }),
      record(2, { id: 'a', version: 8 }),
      record(3, { id: 'a', version: 6 }),
      record(4, { id: 'a', version: 1, tenant: 'other' }),
    ])
    expect(touched.map(({ ref, version, atMs }) => [ref.tenant, ref.id, version, atMs])).toEqual([
      ['demo', 'a', 8, 2_000],
      ['demo', 'b', 3, 1_000],
      ['other', 'a', 1, 4_000],
    ])
  })

  it('tells when a stream began, if its first event is there', () => {
    const { touched } = readTouched([
      record(5, { id: 'a', version: 1 }),
      record(6, { id: 'a', version: 2 }),
      record(7, { id: 'b', version: 2 }),
      record(8, { id: 'b', version: 1 }),
      record(9, { id: 'c', version: 2 }),
    ])
    expect(touched.map(({ startedAtMs }) => startedAtMs)).toEqual([5_000, 8_000, undefined])
  })

  it('leaves out, and counts, what does not say where it belongs or belongs to no aggregate', () => {
    const foreign = record(1, { stream: 'billing.invoice-1' })
    const { touched, unreadable, last } = readTouched([
      record(0),
      foreign,
      { ...record(2), headers: {} },
      { ...record(3), headers: { ...record(3).headers, ce_version: 'seven' } },
    ])
    expect([touched.length, unreadable]).toEqual([1, 3])
    expect(last).toEqual({ sequence: 1, id: 'e-0' })
  })
})
