import { beforeAll, describe, expect, it } from '@jest/globals'
import { makeInMemoryCodec, readStored, type Codec, type DomainEvent } from '@millrace/events'

const topic = 'orders.order.events'
const delivered: DomainEvent = { type: 'OrderDelivered', data: { customerId: 'c-1' } }

describe('an event of the store', () => {
  let codec: Codec
  let bytes: Buffer
  beforeAll(async () => {
    codec = await makeInMemoryCodec()
    bytes = codec.encode(topic, delivered)
    await codec.ensureWriters([codec.writerIdOf(bytes)])
  })

  it('is what its bytes say', () => {
    expect(readStored(codec, topic, { type: 'OrderDelivered', bytes })).toEqual(delivered)
  })

  it.each(['OrderPaid', 'Nonsense', ''])('is refused when it was stored as %p', (type) => {
    expect(() => readStored(codec, topic, { type, bytes })).toThrow(
      expect.objectContaining({ name: 'DecodeError', code: 'other-type' }),
    )
  })
})
