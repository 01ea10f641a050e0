import { createRequire } from 'node:module'
import { describe, expect, it } from '@jest/globals'
import {
  type RawRecord,
  type RecordContext,
  type RecordDecoder,
  type RecordEncoder,
  makeRecordDecoder,
  makeRecordEncoder,
  withBytes,
} from '../src/kafkajs-records.ts'

// A registry of its own, so that these are the functions of kafkajs, not what replaces them.
const load = createRequire(import.meta.url)
const original = {
  encode: load('kafkajs/src/protocol/recordBatch/record/v0/index.js') as RecordEncoder,
  decode: load('kafkajs/src/protocol/recordBatch/record/v0/decoder.js') as RecordDecoder,
}
const Decoder = load('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => {
  buffer: Buffer
  offset: number
}

const encode = makeRecordEncoder(original.encode)
const decode = makeRecordDecoder(original.decode)
const records: readonly (readonly [string, RawRecord])[] = [
  ['an empty one', {}],
  ['a tombstone', { key: 'k', value: null, headers: { a: 'b' } }],
  ['empty strings', { key: '', value: Buffer.alloc(0), headers: { '': '' } }],
  [
    'many headers',
    { headers: Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`h${n}`, `v${n}`])) },
  ],
  [
    'long texts',
    { key: 'ü'.repeat(5_000), value: Buffer.alloc(70_000, 1), headers: { long: 'é'.repeat(9_000) } },
  ],
  ['a late place', { offsetDelta: 2_000_000, key: 'k', value: Buffer.from('v') }],
  ['an early time', { timestampDelta: -1_700_000_000_000, value: Buffer.from('v') }],
  ['a time far off', { timestampDelta: 4_000_000_000_000_000, value: Buffer.from('v') }],
  ['a repeated header', { value: null, headers: { twice: ['a', 'b'], once: 'c' } }],
  ['an inherited name', { value: null, headers: { toString: 'a', constructor: 'b' } }],
]
const contexts: readonly RecordContext[] = [
  { firstOffset: '0', firstTimestamp: '1700000000000', timestampType: 0, magicByte: 2 },
  {
    firstOffset: '81',
    firstTimestamp: '5',
    maxTimestamp: '1700000000009',
    timestampType: 1,
    isControlBatch: true,
  },
  { firstOffset: '9007199254740993', firstTimestamp: '9007199254740993', timestampType: 0 },
]

const decoderAtBody = (bytes: Buffer) =>
  Object.assign(new Decoder(bytes), { offset: bytes.findIndex((byte) => byte < 128) + 1 })

describe('header values', () => {
  const valueOf = (value: string | Buffer): unknown => {
    const { buffer } = original.encode({ value: null, headers: { h: value } })
    const { headers } = decode(decoderAtBody(buffer), contexts[0] as RecordContext) as {
      headers: Record<string, unknown>
    }
    return headers['h']
  }

  it('are text where they are ASCII, and else their very bytes', () => {
    expect(valueOf('1.0')).toBe('1.0')
    expect(valueOf('')).toBe('')
    expect(valueOf(Buffer.from([0xff, 0x00, 0xfe]))).toEqual(Buffer.from([0xff, 0x00, 0xfe]))
    expect(valueOf('ü')).toEqual(Buffer.from('ü'))
  })

  it('are those of their own record, however like the one before', () => {
    expect(['abc', 'abd', 'ab', 'abcd', 'ü', 'abc'].map(valueOf)).toEqual([
      ...['abc', 'abd', 'ab', 'abcd'],
      Buffer.from('ü'),
      'abc',
    ])
  })
})

describe('records', () => {
  it.each(records)('are written as kafkajs writes them: %s', (_, record) => {
    expect(encode(record).buffer.equals(original.encode(record).buffer)).toBe(true)
  })

  it.each(records)('are read as kafkajs reads them: %s', (_, record) => {
    const bytes = original.encode(record).buffer
    for (const context of contexts)
      expect(withBytes(decode(decoderAtBody(bytes), context))).toEqual(
        original.decode(decoderAtBody(bytes), context),
      )
  })

  it('keep their own header names when those of the record before differ', () => {
    const shared = [{ a: '1', b: '2' }, { a: '3', b: '4' }, { b: '5', a: '6' }, { ab: '7' }, { a: '8' }]
    for (const headers of shared) {
      const bytes = original.encode({ value: null, headers }).buffer
      const expected = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)]),
      )
      expect(withBytes(decode(decoderAtBody(bytes), contexts[0] as RecordContext))).toHaveProperty(
        'headers',
        expected,
      )
    }
  })
})
