import type { Batch, KafkaMessage } from 'kafkajs'
import { describe, expect, it } from '@jest/globals'
import { readChunk } from '../src/read-chunk.ts'

const whole = Buffer.alloc(100_000, 'x')

type Overrides = { value?: Buffer | null; headers?: Record<string, Buffer | Buffer[]> }

const messageAt = (offset: number, overrides: Overrides = {}): KafkaMessage => ({
  key: whole.subarray(0, 2),
  value: whole.subarray(2, 12),
  timestamp: '1700000000000',
  attributes: 0,
  offset: String(offset),
  headers: {},
  ...overrides,
})

const batchOf = (messages: KafkaMessage[], lastOffset: number): Batch & { fetchedOffset: string } => ({
  topic: 't',
  partition: 3,
  fetchedOffset: '7',
  highWatermark: '100',
  messages,
  isEmpty: () => messages.length === 0,
  firstOffset: () => messages[0]?.offset ?? null,
  lastOffset: () => String(lastOffset),
  offsetLag: () => '0',
  offsetLagLow: () => '0',
})

describe('a fetched batch', () => {
  it('becomes records with their place and time', () => {
    const { records } = readChunk(batchOf([messageAt(7)], 7))
    expect(records[0]).toMatchObject({ topic: 't', partition: 3, offset: 7n, timestamp: 1_700_000_000_000 })
  })

  it('reaches to its last offset, visible or not', () => {
    const chunk = readChunk(batchOf([messageAt(7)], 20))
    expect([chunk.fetchedOffset, chunk.endOffset, chunk.highWatermark]).toEqual([7n, 21n, 100n])
  })

  it('keeps tombstones', () => {
    expect(readChunk(batchOf([messageAt(7, { value: null })], 7)).records[0]?.value).toBeNull()
  })

  it('keeps the last value of a repeated header', () => {
    const headers = { a: [Buffer.from('1'), Buffer.from('2')], b: Buffer.from('3') }
    const [record] = readChunk(batchOf([messageAt(7, { headers })], 7)).records
    expect(record?.headers).toEqual({ a: Buffer.from('2'), b: Buffer.from('3') })
  })

  it('is copied out of an answer of which it is a small part', () => {
    const chunk = readChunk(batchOf([messageAt(7)], 7))
    expect(chunk.records[0]?.value?.buffer).not.toBe(whole.buffer)
    expect(chunk.records[0]?.value).toEqual(whole.subarray(2, 12))
  })

  it('stays where it is when it is most of the answer', () => {
    const value = whole.subarray(0, 60_000)
    expect(readChunk(batchOf([messageAt(7, { value })], 7)).records[0]?.value?.buffer).toBe(whole.buffer)
  })

  it('must say where it was fetched from', () => {
    const { fetchedOffset: _, ...batch } = batchOf([messageAt(7)], 7)
    expect(() => readChunk(batch)).toThrow('where a batch was fetched from')
  })
})
