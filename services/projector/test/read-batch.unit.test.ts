import { describe, expect, it } from '@jest/globals'
import {
  makeInMemoryCodec,
  toHeaders,
  toMessageKey,
  type RecordedEvent,
  type TopicName,
} from '@millrace/events'
import type { KafkaRecord } from '@millrace/kafka'
import type { Checkpoint } from '@millrace/mongo'
import { orderPlaced, recorded } from '@millrace/testkit'
import { readBatch, recordsFrom } from '../src/read-batch.ts'

const TOPIC: TopicName = 'orders.order.events'
const codec = await makeInMemoryCodec()
const NEW: Checkpoint = {
  incarnation: 1,
  nextOffset: 0,
  lastSequence: 0,
  lastId: null,
  lastTs: null,
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

const sequencesOf = async (checkpoint: Checkpoint, records: readonly KafkaRecord[]): Promise<number[]> => {
  const batch = await readBatch(codec, checkpoint, records)
  if (batch.type !== 'batch') throw new Error(batch.reason)
  return batch.events.map(({ sequence }) => sequence)
}

describe('a batch of the log', () => {
  it('drops what was published twice', async () => {
    expect(
      await sequencesOf(NEW, [record(0, 1), record(1, 2), record(2, 1), record(3, 2), record(4, 3)]),
    ).toEqual([1, 2, 3])
  })

  it('goes by sequence wherever the offsets went', async () => {
    const ahead = { ...NEW, nextOffset: 1_000, lastSequence: 2 }
    const batch = await readBatch(codec, ahead, [record(0, 1), record(1, 2), record(2, 3)])
    expect(batch).toMatchObject({ type: 'batch', to: { nextOffset: 3, lastSequence: 3 }, duplicates: 2 })
  })

  it('ends before a missing sequence, and is a gap when it begins with one', async () => {
    const records = [record(0, 1), record(1, 3)]
    const batch = await readBatch(codec, NEW, records)
    expect(batch).toMatchObject({ type: 'batch', to: { nextOffset: 1, lastSequence: 1 } })
    const next = await readBatch(codec, { ...NEW, nextOffset: 1, lastSequence: 1 }, records.slice(1))
    expect(next).toMatchObject({ type: 'gap', expected: 2 })
  })

  it('ends before a record nobody can read, so that those before it are applied', async () => {
    const poison = { ...record(1, 2), value: Buffer.from('nonsense') }
    expect(await sequencesOf(NEW, [record(0, 1), poison, record(2, 3)])).toEqual([1])
    expect(await readBatch(codec, NEW, [poison])).toMatchObject({ type: 'poison' })
  })

  it('does not take another event with the last sequence for a repeat', async () => {
    const checkpoint = { ...NEW, nextOffset: 1, lastSequence: 1, lastId: 'event-1' }
    expect(await readBatch(codec, checkpoint, [record(1, 1, 'somebody-else')])).toMatchObject({
      type: 'poison',
    })
  })

  it('is found from a sequence on, when it is there', () => {
    const records = [record(0, 7), record(1, 8), record(2, 1), record(3, 2)]
    expect(recordsFrom(records, 1).map(({ offset }) => offset)).toEqual([2n, 3n])
    expect(recordsFrom(records, 9)).toEqual([])
  })
})
