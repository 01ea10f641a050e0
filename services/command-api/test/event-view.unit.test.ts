import { beforeAll, describe, expect, it } from '@jest/globals'
import { DecodeError, makeInMemoryCodec, type Codec } from '@millrace/events'
import type { LogEvent, ReadEvent } from '@millrace/mongo'
import { orderPaid } from '@millrace/testkit'
import { viewEvents } from '../src/http/streams/event-view.ts'

let codec: Codec
beforeAll(async () => {
  codec = await makeInMemoryCodec()
})

const stored = (more: Partial<LogEvent> = {}): ReadEvent => ({
  id: 'e-1',
  type: 'OrderPaid',
  stream: 'orders.order-o-1',
  version: 2,
  occurredAt: Date.UTC(1997, 0, 31, 12, 0, 0, 5),
  topic: 'orders.order.events',
  correlationId: 'r-1',
  causationId: 'r-2',
  actor: 'dev',
  bytes: codec.encode('orders.order.events', orderPaid()),
  ...more,
})

describe('an event on the API', () => {
  it('has its data decoded, its time in RFC 3339, and nothing of how it is stored', async () => {
    expect(await viewEvents(codec, [stored()])).toEqual([
      {
        id: 'e-1',
        type: 'OrderPaid',
        stream: 'orders.order-o-1',
        version: 2,
        occurredAt: '1997-01-31T12:00:00.005Z',
        correlationId: 'r-1',
        causationId: 'r-2',
        actor: 'dev',
        data: orderPaid().data,
      },
    ])
  })

  it('has its sequence where that is known, and the metadata it was appended with', async () => {
    const metadata = { source: 'import' }
    const [shown] = await viewEvents(codec, [stored({ sequence: 7, metadata })])
    expect(shown).toMatchObject({ sequence: 7, metadata })
  })

  it('whose bytes are of another type than it was stored as fails the page', async () => {
    await expect(viewEvents(codec, [stored(), stored({ type: 'OrderShipped' })])).rejects.toThrow(DecodeError)
  })

  it('that cannot be decoded fails the page instead of being left out', async () => {
    const unreadable = stored({ bytes: Buffer.from([0, 0, 0, 0, 99, 1]) })
    await expect(viewEvents(codec, [stored(), unreadable])).rejects.toThrow(DecodeError)
  })
})
