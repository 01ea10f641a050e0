import { describe, expect, it } from '@jest/globals'
import {
  DecodeError,
  makeInMemoryCodec,
  toHeaders,
  toMessageKey,
  type RecordedEvent,
  type TopicName,
} from '@millrace/events'
import type { KafkaRecord } from '@millrace/kafka'
import type { Checkpoint } from '@millrace/mongo'
import { orderPlaced, recorded } from '@millrace/testkit'
import { readBatch, recordsFrom, type Batch } from '../src/read-batch.ts'

const TOPIC: TopicName = 'orders.order.events'
const codec = await makeInMemoryCodec()
const NEW: Checkpoint = {
  incarnation: 1,
  nextOffset: 0,
  lastSequence: 0,
  lastId: null,
  lastTs: null,
  watermark: null,
  epoch: 1,
  owner: 'a',
}

/** The record at `offset` with an event of this sequence; its id is the sequence unless said otherwise. */
const record = (offset: number, sequence: number, id = `event-${sequence}`): KafkaRecord => {
  const event: RecordedEvent = recorded(orderPlaced(), {
    id,
    sequence,
    key: 'o-1',
    stream: 'orders.order-o-1',
  })
  return {
    topic: TOPIC,
    partition: 0,
    offset: BigInt(offset),
    timestamp: 0,
    key: Buffer.from(toMessageKey(event)),
    value: codec.encode(TOPIC, orderPlaced()),
    headers: toHeaders({ ...event, traceparent: null }),
  }
}

/** By a projection that handles all, without parked keys. */
const readAll = (checkpoint: Checkpoint, records: readonly KafkaRecord[]): Promise<Batch> =>
  readBatch({ codec, handles: () => true, isParked: () => false }, checkpoint, records)

const sequencesOf = async (checkpoint: Checkpoint, records: readonly KafkaRecord[]): Promise<number[]> => {
  const batch = await readAll(checkpoint, records)
  if (batch.type !== 'batch') throw new Error(batch.reason)
  return batch.entries.map(({ sequence }) => Number(sequence))
}

/** Counts what it decodes. */
const counting = () => {
  let decoded = 0
  return {
    decoded: () => decoded,
    codec: {
      ...codec,
      decode: (...given: Parameters<typeof codec.decode>) => {
        decoded += 1
        return codec.decode(...given)
      },
    },
  }
}

describe('a record that several builds read', () => {
  const read = (reading: typeof codec, records: readonly KafkaRecord[]) =>
    readBatch({ codec: reading, handles: () => true, isParked: () => false }, NEW, records)

  it('is decoded once, and is the same event to all of them', async () => {
    const { codec: reading, decoded } = counting()
    const records = [record(0, 1), record(1, 2)]
    const [one, other] = [await read(reading, records), await read(reading, records)]
    expect(other).toEqual(one)
    expect(decoded()).toBe(2)
  })

  it('is to another codec what that makes of it, also when it makes nothing', async () => {
    const records = [record(0, 1)]
    const failing = {
      ...codec,
      decode: () => {
        throw new DecodeError({ code: 'truncated', message: 'the bytes end early' })
      },
    }
    await read(codec, records)
    for (const _ of [1, 2])
      expect(await read(failing, records)).toMatchObject({ entries: [{ type: 'poison' }] })
  })

  it('is decoded again when it could not be: its schema may have turned up', async () => {
    const { codec: reading, decoded } = counting()
    const records = [{ ...record(0, 1), value: Buffer.from([0, 0, 0, 0, 99]) }]
    for (const _ of [1, 2])
      expect(await read(reading, records)).toMatchObject({ entries: [{ type: 'poison' }] })
    expect(decoded()).toBe(2)
  })
})

describe('a batch of the log', () => {
  it('drops what was published twice', async () => {
    expect(
      await sequencesOf(NEW, [record(0, 1), record(1, 2), record(2, 1), record(3, 2), record(4, 3)]),
    ).toEqual([1, 2, 3])
  })

  it('goes by sequence wherever the offsets went', async () => {
    const ahead = { ...NEW, nextOffset: 1_000, lastSequence: 2 }
    const batch = await readAll(ahead, [record(0, 1), record(1, 2), record(2, 3)])
    expect(batch).toMatchObject({ type: 'batch', to: { nextOffset: 3, lastSequence: 3 }, duplicates: 2 })
  })

  it('ends before a missing sequence, and is a gap when it begins with one', async () => {
    const records = [record(0, 1), record(1, 3)]
    const batch = await readAll(NEW, records)
    expect(batch).toMatchObject({ type: 'batch', to: { nextOffset: 1, lastSequence: 1 } })
    const next = await readAll({ ...NEW, nextOffset: 1, lastSequence: 1 }, records.slice(1))
    expect(next).toMatchObject({ type: 'gap', expected: 2 })
  })

  it('does not end at a record nobody can read', async () => {
    const unreadable = { ...record(1, 2), value: Buffer.from('nonsense') }
    const batch = await readAll(NEW, [record(0, 1), unreadable, record(2, 3)])
    expect(batch).toMatchObject({
      type: 'batch',
      entries: [{ type: 'event' }, { type: 'poison', sequence: 2 }, { type: 'event' }],
      to: { nextOffset: 3, lastSequence: 3 },
    })
  })

  it('does not take another event with the last sequence for a repeat', async () => {
    const checkpoint = { ...NEW, nextOffset: 1, lastSequence: 1, lastId: 'event-1' }
    expect(await readAll(checkpoint, [record(1, 1, 'somebody-else')])).toMatchObject({
      type: 'broken',
    })
  })

  it('knows the largest event time before each, and believes no clock that is an hour ahead', async () => {
    const hour = 60 * 60_000
    const at = (sequence: number, ce_time: number, timestamp: number): KafkaRecord => {
      const { headers, ...rest } = record(sequence - 1, sequence)
      return { ...rest, timestamp, headers: { ...headers, ce_time: new Date(ce_time).toISOString() } }
    }
    const records = [
      at(1, 5_000, 6_000),
      at(2, 4_000, 7_000),
      at(3, Date.UTC(9999, 0), 8_000),
      at(4, 0, 9_000),
    ]
    const batch = await readAll(NEW, records)
    if (batch.type !== 'batch') throw new Error(batch.reason)
    expect(batch.entries.map(({ watermark }) => watermark)).toEqual([null, 5_000, 5_000, 8_000 + hour])
    expect(batch.to.watermark).toBe(8_000 + hour)
  })

  it('is found from a sequence on, when it is there', () => {
    const records = [record(0, 7), record(1, 8), record(2, 1), record(3, 2)]
    expect(recordsFrom(records, 1).map(({ offset }) => offset)).toEqual([2n, 3n])
    expect(recordsFrom(records, 9)).toEqual([])
  })
})

describe('a tombstone', () => {
  const buried = (topic: string, key: string | null = 'demo/m-1:node:1'): KafkaRecord => ({
    ...{ topic, partition: 0, offset: 7n, timestamp: 5, value: null, headers: {} },
    key: key === null ? null : Buffer.from(key),
  })

  it('of a compacted topic is the end of its key', async () => {
    expect(await readAll(NEW, [buried('process.state')])).toMatchObject({
      entries: [{ type: 'tombstone', tenant: 'demo', key: 'm-1:node:1', sequence: 7 }],
      to: { nextOffset: 8, lastSequence: 7, lastTs: 5 },
    })
  })

  it('waits when something of its key is parked', async () => {
    const reader = { codec, handles: () => true, isParked: () => true }
    expect(await readBatch(reader, NEW, [buried('process.state')])).toMatchObject({
      entries: [{ type: 'waits', sequence: 7 }],
    })
  })

  it('without a key of ours is passed by', async () => {
    for (const key of [null, 'nobody'])
      expect(await readAll(NEW, [buried('process.state', key)])).toMatchObject({ entries: [], duplicates: 1 })
  })
})
