import { describe, expect, it } from '@jest/globals'
import { headerSchemaOf } from '../src/header-schema.ts'
import { parseHeaders, toHeaders, type EventMetadata } from '../src/headers.ts'

const metadata: EventMetadata = {
  id: 'e-1',
  type: 'OrderPaid',
  tenant: 'demo',
  stream: 'orders.order-o-1',
  version: 2,
  sequence: 7,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  occurredAt: 0,
  correlationId: 'r-1',
  causationId: 'r-1',
  actor: 'dev',
}

describe('the schema of the headers', () => {
  it('has the headers of an event, and no others', () => {
    const { properties } = headerSchemaOf('events')
    expect(Object.keys(properties).toSorted()).toEqual(Object.keys(toHeaders(metadata)).toSorted())
  })

  it('requires what every record of the kind has', () => {
    const measured = Object.keys(toHeaders({ ...metadata, sequence: null, traceparent: null }))
    expect(headerSchemaOf('telemetry').required.toSorted()).toEqual(measured.toSorted())
    expect(headerSchemaOf('events').required.toSorted()).toEqual([...measured, 'ce_sequence'].toSorted())
  })

  it('describes their values', () => {
    const { properties } = headerSchemaOf('events')
    for (const [name, value] of Object.entries(toHeaders(metadata))) {
      const { const: only, pattern = '.' } = properties[name] as { const?: string; pattern?: string }
      expect([name, value]).toEqual([name, only ?? expect.stringMatching(new RegExp(pattern))])
    }
  })

  it('requires nothing that can be left out', () => {
    const whole = toHeaders(metadata)
    for (const name of headerSchemaOf('telemetry').required) {
      const { [name]: _, ...rest } = whole
      expect(() => parseHeaders(rest)).toThrow(name)
    }
  })
})
