import { describe, expect, it } from '@jest/globals'
import { makeBatchDecoder, SharedBatches } from '../src/shared-batches.ts'

const HEADER_BYTES = 61
const BEFORE_LENGTH_ENDS = 12

/** As Kafka keeps it: a header with offset, length and checksum, and what follows. */
const batchOf = (offset: number, body: string, checksum = body.length): Buffer => {
  const bytes = Buffer.alloc(HEADER_BYTES + body.length)
  bytes.writeBigInt64BE(BigInt(offset), 0)
  bytes.writeInt32BE(bytes.length - BEFORE_LENGTH_ENDS, 8)
  bytes.writeInt32BE(checksum, 17)
  bytes.write(body, HEADER_BYTES)
  return bytes
}

/** Says what it was given, and how often. */
const decoding = () => {
  const given: Buffer[] = []
  const decode = async (bytes: Buffer): Promise<object> => {
    given.push(bytes)
    return { body: bytes.toString('latin1', HEADER_BYTES) }
  }
  return { given, decode }
}

const sharedBy = (consumers: number, maxBytes = 10_000): SharedBatches => {
  const batches = new SharedBatches(maxBytes)
  for (let count = 0; count < consumers; count += 1) batches.enter()
  return batches
}

describe('a record batch', () => {
  it('that two consumers fetch is decoded once', async () => {
    const { given, decode } = decoding()
    const batches = sharedBy(2)
    const first = await batches.decode(batchOf(7, 'seven'), decode)
    expect(await batches.decode(batchOf(7, 'seven'), decode)).toBe(first)
    expect(given).toHaveLength(1)
  })

  it('is decoded from bytes of its own, which keep no answer of Kafka alive', async () => {
    const { given, decode } = decoding()
    const bytes = batchOf(7, 'seven')
    const answer = Buffer.concat([Buffer.alloc(1_000), bytes])
    await sharedBy(2).decode(answer.subarray(1_000), decode)
    expect(given[0]?.buffer.byteLength).toBe(bytes.length)
  })

  it.each([
    ['offset', batchOf(8, 'seven')],
    ['checksum', batchOf(7, 'seven', 9)],
    ['content, although nothing else', batchOf(7, 'SEVEN')],
  ])('that differs in its %s is another one', async (_, other) => {
    const { given, decode } = decoding()
    const batches = sharedBy(2)
    await batches.decode(batchOf(7, 'seven'), decode)
    expect(await batches.decode(other, decode)).toEqual({ body: other.toString('latin1', HEADER_BYTES) })
    expect(given).toHaveLength(2)
  })

  it('is not kept when there is one consumer, or one is left', async () => {
    const { given, decode } = decoding()
    const batches = sharedBy(1)
    for (let count = 0; count < 2; count += 1) await batches.decode(batchOf(7, 'seven'), decode)
    expect(given).toHaveLength(2)
    batches.enter()
    await batches.decode(batchOf(7, 'seven'), decode)
    batches.leave()
    batches.enter()
    await batches.decode(batchOf(7, 'seven'), decode)
    expect(given).toHaveLength(4)
  })

  it('gives way to younger ones when all together are too large', async () => {
    const { given, decode } = decoding()
    const one = batchOf(0, 'x'.repeat(100))
    const batches = sharedBy(2, one.length * 3)
    for (const offset of [0, 1, 2, 3]) await batches.decode(batchOf(offset, 'x'.repeat(100)), decode)
    for (const offset of [1, 2, 3]) await batches.decode(batchOf(offset, 'x'.repeat(100)), decode)
    expect(given).toHaveLength(4)
    await batches.decode(one, decode)
    expect(given).toHaveLength(5)
  })

  it('that could not be decoded is tried again', async () => {
    const batches = sharedBy(2)
    const fail = () => Promise.reject(new Error('no such compression'))
    await expect(batches.decode(batchOf(7, 'seven'), fail)).rejects.toThrow('no such compression')
    expect(await batches.decode(batchOf(7, 'seven'), decoding().decode)).toEqual({ body: 'seven' })
  })
})

describe('the decoder of batches', () => {
  class Reader {
    readonly buffer: Buffer
    offset = 0
    constructor(buffer: Buffer) {
      this.buffer = buffer
    }
    forward(bytes: number): void {
      this.offset += bytes
    }
  }
  const setUp = () => {
    const given: string[] = []
    const decode = makeBatchDecoder(
      sharedBy(2),
      (bytes) => new Reader(bytes),
    )(async ({ buffer, offset }) => {
      given.push(buffer.toString('latin1', offset + HEADER_BYTES))
      return {}
    })
    return { given, decode }
  }

  it('goes on to the next batch, whether or not this one was known', async () => {
    const { given, decode } = setUp()
    const reader = new Reader(Buffer.concat([batchOf(0, 'first'), batchOf(0, 'first'), batchOf(1, 'second')]))
    for (let count = 0; count < 3; count += 1) await decode(reader)
    expect(given).toEqual(['first', 'second'])
    expect(reader.offset).toBe(reader.buffer.length)
  })

  it.each([5, HEADER_BYTES - 1, HEADER_BYTES + 2])(
    'leaves one of which only %i bytes have come to kafkajs',
    async (bytes) => {
      const { given, decode } = setUp()
      const reader = new Reader(batchOf(0, 'first').subarray(0, bytes))
      await decode(reader)
      expect(given).toHaveLength(1)
      expect(reader.offset).toBe(0)
    },
  )
})
