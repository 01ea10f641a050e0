import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  categoryOf,
  eventTypes,
  keyOfStream,
  parseHeaders,
  toHeaders,
  type EventMetadata,
  type RecordHeaders,
} from '@millrace/events'

const metadata: EventMetadata = {
  id: '01920000-0000-7000-8000-000000000001',
  type: 'OrderPlaced',
  tenant: 'acme',
  stream: 'orders.order-o-17',
  version: 3,
  occurredAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  correlationId: 'corr-1',
  causationId: 'cause-1',
  actor: 'user:ann',
  sequence: 41,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
const anyMetadata: fc.Arbitrary<EventMetadata> = fc.record({
  id: fc.uuid(),
  type: fc.constantFrom(...eventTypes),
  tenant: text,
  stream: text.map((id) => `orders.order-${id}`),
  version: fc.nat(),
  occurredAt: fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }),
  correlationId: text,
  causationId: text,
  actor: text,
  sequence: fc.option(fc.maxSafeNat()),
  traceparent: fc.constantFrom(null, metadata.traceparent),
})

const asBuffers = (headers: Record<string, string>): RecordHeaders =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)]))

describe('headers', () => {
  it('are read back as they were written, as text and as bytes', () => {
    fc.assert(
      fc.property(anyMetadata, (written) => {
        expect(parseHeaders(toHeaders(written))).toEqual(written)
        expect(parseHeaders(asBuffers(toHeaders(written)))).toEqual(written)
      }),
    )
  })

  it('are CloudEvents in binary mode', () => {
    expect(toHeaders(metadata)).toEqual({
      ce_specversion: '1.0',
      ce_id: metadata.id,
      ce_type: 'OrderPlaced',
      ce_source: '/orders.order',
      ce_subject: 'orders.order-o-17',
      ce_time: '2026-01-02T03:04:05.678Z',
      ce_tenant: 'acme',
      ce_version: '3',
      ce_sequence: '41',
      ce_correlationid: 'corr-1',
      ce_causationid: 'cause-1',
      ce_actor: 'user:ann',
      'content-type': 'avro/binary',
      traceparent: metadata.traceparent,
    })
  })

  it('may bring unknown ones, which are ignored', () => {
    expect(parseHeaders({ ...toHeaders(metadata), 'x-other': ['a', 'b'] })).toEqual(metadata)
  })

  it('take any RFC 3339 time', () => {
    const headers = { ...toHeaders(metadata), ce_time: '2026-01-02T04:04:05+01:00' }
    expect(parseHeaders(headers).occurredAt).toBe(Date.UTC(2026, 0, 2, 3, 4, 5))
  })

  it('drop a malformed traceparent', () => {
    expect(parseHeaders({ ...toHeaders(metadata), traceparent: 'junk' }).traceparent).toBeNull()
  })

  it('may lack a sequence, outside the topics of the relay', () => {
    expect(parseHeaders({ ...toHeaders(metadata), ce_sequence: undefined }).sequence).toBeNull()
  })

  const required = Object.keys(toHeaders(metadata)).filter(
    (name) => !['ce_sequence', 'traceparent'].includes(name),
  )
  it.each(required)('are refused without %s', (name) => {
    expect(() => parseHeaders({ ...toHeaders(metadata), [name]: undefined })).toThrow(
      expect.objectContaining({ code: 'bad-header', header: name }),
    )
  })

  it.each<[string, RecordHeaders[string]]>([
    ['ce_id', ''],
    ['ce_id', ['a', 'b']],
    ['ce_specversion', '0.3'],
    ['content-type', 'application/json'],
    ['ce_type', ''],
    ['ce_subject', 'order'],
    ['ce_subject', 'order-o-17'],
    ['ce_subject', 'orders.order-'],
    ['ce_version', '-1'],
    ['ce_version', '1.0'],
    ['ce_version', '0x10'],
    ['ce_version', ' 1'],
    ['ce_sequence', '9007199254740993'],
    ['ce_sequence', ''],
    ['ce_time', '1767322800000'],
    ['ce_time', '2026-01-02'],
    ['ce_time', '2026-13-02T00:00:00Z'],
  ])('are refused with %s = %j', (header, value) => {
    expect(() => parseHeaders({ ...toHeaders(metadata), [header]: value })).toThrow(
      expect.objectContaining({ name: 'DecodeError', code: 'bad-header', header }),
    )
  })
})

describe('a stream', () => {
  it('has its category before the first dash, and its key behind it', () => {
    expect(categoryOf('orders.order-o-17')).toBe('orders.order')
    expect(keyOfStream('orders.order-o-17')).toBe('o-17')
  })
})
