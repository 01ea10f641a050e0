import { beforeAll, describe, expect, it } from '@jest/globals'
import {
  makeInMemoryCodec,
  readRecord,
  toHeaders,
  toMessageKey,
  type Codec,
  type DomainEvent,
  type EventMetadata,
  type EventRecord,
  type TopicName,
} from '@millrace/events'

const delivered: DomainEvent<'OrderDelivered'> = { type: 'OrderDelivered', data: { customerId: 'c-1' } }
const identity = {
  id: '01920000-0000-7000-8000-000000000001',
  tenant: 'acme',
  stream: 'orders.order-o-17',
  version: 3,
  occurredAt: 1_767_322_800_000,
  correlationId: 'corr-1',
  causationId: 'cause-1',
  actor: 'user:ann',
  sequence: 41,
}
const metadata: EventMetadata = { ...identity, type: 'OrderDelivered', traceparent: null }

let codec: Codec
beforeAll(async () => {
  codec = await makeInMemoryCodec()
})

const recordOf = (
  topic: TopicName,
  event: DomainEvent,
  changes: Partial<EventMetadata> = {},
): EventRecord => ({
  topic,
  offset: 7n,
  key: Buffer.from(toMessageKey({ tenant: 'acme', key: 'o-17' })),
  value: codec.encode(topic, event),
  headers: toHeaders({ ...metadata, ...changes }),
})

const read = async (record: EventRecord) => {
  await codec.ensureWriters([codec.writerIdOf(record.value)])
  return readRecord(codec, record)
}

describe('readRecord', () => {
  it('puts value, headers and key together', async () => {
    const event = await read(recordOf('orders.order.events', delivered))
    expect(event).toEqual({ ...delivered, ...identity, key: 'o-17' })
  })

  it('counts by offset on topics that the relay does not publish', async () => {
    const data = { host: 'h', name: 'n', pid: 1, startedAt: 1, at: 2, beat: 1, cpu: 0.5, rss: 1024 }
    const beat: DomainEvent = { type: 'HeartbeatReceived', data }
    const event = await read(
      recordOf('heartbeat.received', beat, { type: 'HeartbeatReceived', sequence: null }),
    )
    expect(event.sequence).toBe(7)
  })

  it.each<[string, Partial<EventMetadata>]>([
    ['ce_sequence', { sequence: null }],
    ['ce_type', { type: 'OrderPlaced' }],
    ['ce_tenant', { tenant: 'other' }],
    ['ce_subject', { stream: 'orders.order-o-18' }],
    ['ce_subject', { stream: 'orders.order-2-o-17' }],
  ])('refuses an event whose %s is missing or disagrees', async (header, changes) => {
    const reading = read(recordOf('orders.order.events', delivered, changes))
    await expect(reading).rejects.toMatchObject({ code: 'bad-header', header })
  })
})
