import { describe, expect, it } from '@jest/globals'
import { parseHeaders } from '@millrace/events'
import type { PlannedCommit } from '@millrace/mongo'
import { toMessages } from '../src/relay/to-messages.ts'

const COMMITTED_AT = new Date('2026-01-02T03:04:05.678Z')

const commit = (id: string, first: number, types: readonly string[]): PlannedCommit => ({
  _id: id,
  tenant: 'demo',
  stream: 'orders.order-o-1',
  key: 'o-1',
  first,
  committedAt: COMMITTED_AT,
  correlationId: 'request-1',
  causationId: 'request-2',
  actor: 'dev',
  events: types.map((type, index) => ({
    id: `${id}-${index}`,
    type,
    occurredAt: 86_400_000,
    bytes: Buffer.from(type),
  })),
})

describe('the messages of a publication', () => {
  const messages = toMessages(
    [commit('a', 1, ['OrderPlaced', 'OrderPaid']), commit('b', 3, ['OrderShipped'])],
    41,
  )

  it('count up from the first sequence, across commits', () => {
    expect(messages.map(({ headers }) => headers['ce_sequence'])).toEqual(['41', '42', '43'])
  })

  it('have the versions of their commits', () => {
    expect(messages.map(({ headers }) => headers['ce_version'])).toEqual(['1', '2', '3'])
  })

  it('have the tenant and the aggregate as key, the stored bytes as value and the commit’s time', () => {
    expect(messages[1]).toMatchObject({
      key: 'demo/o-1',
      value: Buffer.from('OrderPaid'),
      timestamp: COMMITTED_AT.getTime(),
    })
  })

  it('have headers that a consumer reads back', () => {
    expect(parseHeaders(messages[2]?.headers ?? {})).toEqual({
      id: 'b-0',
      type: 'OrderShipped',
      tenant: 'demo',
      stream: 'orders.order-o-1',
      version: 3,
      occurredAt: 86_400_000,
      correlationId: 'request-1',
      causationId: 'request-2',
      actor: 'dev',
      sequence: 43,
      traceparent: null,
    })
  })

  it('are none for no commits', () => {
    expect(toMessages([], 1)).toEqual([])
  })
})
