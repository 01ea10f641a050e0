import { beforeAll, describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import {
  DecodeError,
  eventTypes,
  makeCodec,
  makeInMemoryRegistry,
  RegistryUnavailableError,
  topicNames,
  type Codec,
  type RegisteredSchema,
  type SchemaRegistry,
  type TopicName,
} from '@millrace/events'
import type { AvroField, AvroRecord } from '../src/avro-schema.ts'
import { makeDecoder } from '../src/decoder.ts'
import { loadEventSchemas } from '../src/load-schemas.ts'
import { registerAll } from '../src/register-schemas.ts'
import { anyEventOf, topicOf } from './any-event.ts'

const topic = 'orders.order.events'
const shipped = {
  type: 'OrderShipped',
  data: { customerId: 'c-1', carrier: 'dhl', trackingId: 't-1' },
} as const

let registry: SchemaRegistry
let codec: Codec
let bytes: Buffer
beforeAll(async () => {
  registry = makeInMemoryRegistry()
  await registerAll(registry, () => {})
  codec = await makeCodec(registry, topicNames)
  bytes = codec.encode(topic, shipped)
  await codec.ensureWriters([codec.writerIdOf(bytes), 4711])
})

const codeOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    if (error instanceof DecodeError) return error.code
    throw error
  }
  return 'decoded'
}

const withId = (id: number, body: Buffer): Buffer => {
  const header = Buffer.alloc(5)
  header.writeInt32BE(id, 1)
  return Buffer.concat([header, body])
}

/** Decodes a body as if the registry had this writer schema. */
const decodeAs = async (
  schema: RegisteredSchema,
  body: Buffer,
  name: TopicName = topic,
): Promise<unknown> => {
  const decoder = makeDecoder({ schemaOf: async () => schema })
  await decoder.ensureWriters([9])
  return decoder.decode(name, withId(9, body)).data
}

const schemaOf = (type: string): AvroRecord => {
  const schema = loadEventSchemas().get(type)
  if (schema === undefined) throw new Error(`no schema ${type}`)
  return schema
}
const withFields = (record: AvroRecord, ...fields: AvroField[]): RegisteredSchema => ({
  format: 'AVRO',
  text: JSON.stringify({ ...record, fields: [...fields, ...record.fields] }),
})
const body = (): Buffer => bytes.subarray(5)

describe('decoding refuses', () => {
  it.each([
    ['bad-magic', () => Buffer.from('{"json":true}')],
    ['truncated', () => Buffer.alloc(0)],
    ['truncated', () => Buffer.from([0, 0, 0])],
    ['truncated', () => bytes.subarray(0, bytes.length - 1)],
    ['trailing-bytes', () => Buffer.concat([bytes, Buffer.from([0])])],
    ['unknown-schema', () => withId(4711, body())],
    ['invalid', () => Buffer.concat([bytes.subarray(0, bytes.length - 5), Buffer.from([8, 0, 0, 0, 0])])],
  ])('%s', (code, malformed) => {
    expect(codeOf(() => codec.decode(topic, malformed()))).toBe(code)
  })

  it('a record of another topic as wrong-subject', () => {
    expect(codeOf(() => codec.decode('catalog.product.events', bytes))).toBe('wrong-subject')
  })

  it('schemas that are no event type as wrong-subject', async () => {
    const stranger = { ...schemaOf('OrderShipped'), name: 'OrderEaten' }
    await expect(decodeAs(withFields(stranger), body())).rejects.toMatchObject({ code: 'wrong-subject' })
  })

  it('schemas that are not Avro as wrong-subject', async () => {
    const decoding = decodeAs({ format: 'PROTOBUF', text: 'syntax = "proto3";' }, body())
    await expect(decoding).rejects.toMatchObject({ code: 'wrong-subject' })
  })

  it('writers that our schema cannot read as invalid', async () => {
    const incompatible = { ...schemaOf('OrderShipped'), fields: [] }
    await expect(decodeAs(withFields(incompatible), body())).rejects.toMatchObject({ code: 'invalid' })
  })

  it('an array count that the bytes cannot hold, at once', () => {
    const placed = codec.encode(topic, {
      type: 'OrderPlaced',
      data: { customerId: 'c', currency: 'EUR', lines: [] },
    })
    const bomb = Buffer.concat([placed.subarray(0, -1), Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f])])
    return codec.ensureWriters([codec.writerIdOf(bomb)]).then(() => {
      expect(codeOf(() => codec.decode(topic, bomb))).toBe('invalid')
    })
  })

  it('an array bomb in a field that the reader skips', async () => {
    const longs: AvroField = { name: 'longs', type: { type: 'array', items: 'long' }, doc: '' }
    const bomb = Buffer.concat([Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f]), body()])
    const decoding = decodeAs(withFields(schemaOf('OrderShipped'), longs), bomb)
    await expect(decoding).rejects.toMatchObject({ code: 'invalid' })
  })

  it.each(eventTypes)(
    'corrupt bytes of %s with a DecodeError or reads them, and never fails otherwise',
    async (type) => {
      await codec.ensureWriters(Array.from({ length: 20 }, (_, id) => id))
      fc.assert(
        fc.property(
          anyEventOf(type),
          fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
          (event, changes) => {
            const corrupt = codec.encode(topicOf(type), event)
            for (const [place, byte] of changes) corrupt[5 + (place % Math.max(1, corrupt.length - 5))] = byte
            codeOf(() => codec.decode(topicOf(type), corrupt))
          },
        ),
      )
    },
  )
})

describe('a value that was cut off', () => {
  it.each(eventTypes)('is never read as a shorter %s', async (type) => {
    await codec.ensureWriters(Array.from({ length: 20 }, (_, id) => id))
    fc.assert(
      fc.property(anyEventOf(type), fc.nat(), (event, place) => {
        const whole = codec.encode(topicOf(type), event)
        const cut = whole.subarray(0, place % whole.length)
        expect(codeOf(() => codec.decode(topicOf(type), cut))).toMatch(/^(truncated|invalid)$/)
      }),
    )
  })
})

describe('evolution', () => {
  const note: AvroField = { name: 'note', type: ['null', 'string'], default: null, doc: '' }

  it('drops a field that a newer writer added', async () => {
    const newer = Buffer.concat([Buffer.from([2, 4, 0x68, 0x69]), body()])
    await expect(decodeAs(withFields(schemaOf('OrderShipped'), note), newer)).resolves.toStrictEqual(
      shipped.data,
    )
  })

  it('fills a field that an older writer lacked with its default', async () => {
    const { fields, ...record } = schemaOf('OrderShipped')
    const older = { ...record, fields: fields.filter(({ name }) => name !== 'trackingId') }
    const data = await decodeAs(withFields(older), body().subarray(0, -5))
    expect(data).toStrictEqual({ customerId: 'c-1', carrier: 'dhl', trackingId: null })
  })
})

describe('ensureWriters', () => {
  const text = (): string => JSON.stringify(schemaOf('OrderShipped'))

  it('asks once for concurrent callers and never again for a known id', async () => {
    const ask = jest.fn(async (_id: number) => ({ format: 'AVRO', text: text() }))
    const decoder = makeDecoder({ schemaOf: ask })
    await Promise.all([decoder.ensureWriters([9, 9]), decoder.ensureWriters([9])])
    await decoder.ensureWriters([9])
    expect(ask).toHaveBeenCalledTimes(1)
  })

  it('asks again for an id that the registry did not know', async () => {
    let known = false
    const decoder = makeDecoder({ schemaOf: async () => (known ? { format: 'AVRO', text: text() } : null) })
    const record = withId(9, body())
    await decoder.ensureWriters([9])
    expect(codeOf(() => decoder.decode(topic, record))).toBe('unknown-schema')
    known = true
    await decoder.ensureWriters([9])
    expect(decoder.decode(topic, record)).toEqual(shipped)
  })

  it('passes an outage on and asks again afterwards', async () => {
    let isDown = true
    const decoder = makeDecoder({
      schemaOf: async () => {
        if (isDown) throw new RegistryUnavailableError('down')
        return { format: 'AVRO', text: text() }
      },
    })
    await expect(decoder.ensureWriters([9])).rejects.toMatchObject({ retryable: true })
    isDown = false
    await decoder.ensureWriters([9])
    expect(decoder.decode(topic, withId(9, body()))).toEqual(shipped)
  })

  it('must come first: an id that was never ensured is no fault of the record', async () => {
    const fresh = await makeCodec(registry, [topic])
    expect(() => fresh.decode(topic, bytes)).toThrow('was never ensured')
    expect(() => fresh.decode(topic, bytes)).not.toThrow(DecodeError)
  })
})
