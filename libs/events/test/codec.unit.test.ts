import { beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  eventTypes,
  makeInMemoryCodec,
  type Codec,
  type DomainEvent,
  type EncodeError,
} from '@millrace/events'
import { anyEventOf, topicOf } from './any-event.ts'

const placed: DomainEvent<'OrderPlaced'> = {
  type: 'OrderPlaced',
  data: {
    customerId: 'c-1',
    currency: 'EUR',
    lines: [
      { productId: 'p-1', quantity: 1, amount: 1999 },
      { productId: 'p-2', quantity: 3, amount: 4500 },
    ],
  },
}

const roundTrip = async (codec: Codec, event: DomainEvent): Promise<DomainEvent> => {
  const bytes = codec.encode(topicOf(event.type), event)
  await codec.ensureWriters([codec.writerIdOf(bytes)])
  return codec.decode(topicOf(event.type), bytes)
}

const faultOf = (action: () => unknown): EncodeError => {
  try {
    action()
  } catch (error) {
    return error as EncodeError
  }
  throw new Error('nothing was thrown')
}

let codec: Codec
beforeAll(async () => {
  codec = await makeInMemoryCodec()
})

describe('codec', () => {
  it.each(eventTypes)('reads every %s back as it was written', async (type) => {
    await fc.assert(
      fc.asyncProperty(anyEventOf(type), async (event) => {
        expect(await roundTrip(codec, event)).toStrictEqual(event)
      }),
    )
  })

  it('decodes to plain objects, nested ones too', async () => {
    const { data } = (await roundTrip(codec, placed)) as typeof placed
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype)
    expect(Object.getPrototypeOf(data.lines[0])).toBe(Object.prototype)
    expect(structuredClone(data)).toEqual(placed.data)
  })

  it('starts every value with a zero byte and the writer id', () => {
    const bytes = codec.encode('orders.order.events', placed)
    expect(bytes[0]).toBe(0)
    expect(codec.writerIdOf(bytes)).toBe(bytes.readInt32BE(1))
  })

  it('gives each value bytes of its own', () => {
    const first = codec.encode('orders.order.events', placed)
    const before = Buffer.from(first)
    codec.encode('orders.order.events', { ...placed, data: { ...placed.data, customerId: 'c-2' } })
    expect(first).toEqual(before)
  })

  it('encodes values larger than its buffer', async () => {
    const large = { ...placed, data: { ...placed.data, customerId: 'c'.repeat(500_000) } }
    expect(await roundTrip(codec, large)).toEqual(large)
  })
})

describe('encoding refuses', () => {
  const { data } = placed
  const [line] = data.lines
  const cases: readonly [string, string, unknown][] = [
    ['missing data', '', null],
    ['a missing field', 'customerId', { ...data, customerId: undefined }],
    ['an undeclared field', 'note', { ...data, note: 'x' }],
    ['an undeclared field of a nested record', 'lines.0.note', { ...data, lines: [{ ...line, note: 'x' }] }],
    ['a fraction', 'lines.1.amount', { ...data, lines: [line, { ...line, amount: 1.5 }] }],
    ['an integer beyond 2^53', 'lines.0.amount', { ...data, lines: [{ ...line, amount: 2 ** 53 }] }],
    ['an integer below -2^52', 'lines.0.amount', { ...data, lines: [{ ...line, amount: -(2 ** 52) - 1 }] }],
    ['a number for a string', 'customerId', { ...data, customerId: 7 }],
    ['a lone surrogate', 'currency', { ...data, currency: '\ud800' }],
  ]
  it.each(cases)('%s and names %s', (_name, path, invalid) => {
    const event = { type: 'OrderPlaced', data: invalid } as DomainEvent
    expect(faultOf(() => codec.encode('orders.order.events', event))).toMatchObject({
      name: 'EncodeError',
      code: 'invalid-data',
      path,
      retryable: false,
    })
  })

  it('an unknown symbol', async () => {
    const [event] = fc.sample(anyEventOf('ProcessState'), 1)
    const invalid = {
      type: 'ProcessState',
      data: { ...event?.data, status: 'asleep' },
    } as unknown as DomainEvent
    expect(faultOf(() => codec.encode('process.state', invalid)).path).toBe('status')
  })

  it('an event of another topic', () => {
    expect(faultOf(() => codec.encode('catalog.product.events', placed)).code).toBe('wrong-topic')
  })

  it('without repeating the data, which may be private', () => {
    const event = { ...placed, data: { ...data, customerId: ['secret'] } } as unknown as DomainEvent
    expect(faultOf(() => codec.encode('orders.order.events', event)).message).not.toContain('secret')
  })
})
