import { describe, expect, it } from '@jest/globals'
import { Binary, Decimal128, Double, Int32, Long, ObjectId, Timestamp, UUID } from 'mongodb'
import { toMessageKey } from '@millrace/events'
import { documentIdOf, documentText, keyOfDocument } from '../src/document-text.ts'

const readModel = { name: 'readModel.orders.v1', isReadModel: true }
const plain = { name: 'customers', isReadModel: false }

describe('a document as text', () => {
  it('is what readers get: of a read model without the engine’s members', () => {
    const document = { _id: 'demo/o-1', _tenant: 'demo', _sequence: 7, total: 3, lines: [{ quantity: 1 }] }
    expect(documentText(readModel, document)).toBe('{"total":3,"lines":[{"quantity":1}]}')
  })

  it('is all of it for a plain collection', () => {
    expect(documentText(plain, { _id: 1, _rev: 2 })).toBe('{"_id":1,"_rev":2}')
  })

  it('has types that JSON lacks as relaxed EJSON', () => {
    const id = new ObjectId('6542000100000003000000aa')
    const document = {
      _id: id,
      at: new Date(0),
      rate: Decimal128.fromString('1.10'),
      n: new Timestamp({ t: 1, i: 2 }),
    }
    expect(JSON.parse(documentText(plain, document))).toEqual({
      _id: { $oid: '6542000100000003000000aa' },
      at: { $date: '1970-01-01T00:00:00Z' },
      rate: { $numberDecimal: '1.10' },
      n: { $timestamp: { t: 1, i: 2 } },
    })
  })

  it('keeps whole numbers beyond 2^53 exact, at any depth', () => {
    const document = { _id: 1, deep: [{ n: Long.fromString('9007199254740993') }] }
    expect(documentText(plain, document)).toBe('{"_id":1,"deep":[{"n":{"$numberLong":"9007199254740993"}}]}')
  })
})

describe('the key of a document', () => {
  it('is the tenant’s in a read model', () => {
    expect(keyOfDocument(readModel, 'demo/a/b')).toEqual({ tenant: 'demo', key: 'a/b' })
  })

  it.each([['no slash'], ['/o-1'], ['demo/'], [7], [undefined]])(
    'is none where the engine has no %j',
    (id) => {
      expect(keyOfDocument(readModel, id)).toBeNull()
    },
  )

  it.each([
    ['a text', 'ada'],
    ['a number', 5],
    ['a fraction', new Double(1.5)],
    ['a large number', Long.fromString('9007199254740993')],
    ['an ObjectId', new ObjectId('6542000100000003000000aa')],
    ['a UUID', new UUID('0b6a1a5e-4d52-4d1c-9d4f-1f3f5a3d9a10')],
    ['bytes', new Binary(Buffer.from('ab'))],
    ['a time', new Date(5)],
    ['a document', { a: new Int32(1), b: 'x/y' }],
    ['null', null],
  ])('of a plain collection leads back to its _id: %s', (_name, id) => {
    const key = keyOfDocument(plain, id)
    expect(key?.tenant).toBe('millrace')
    const again = documentIdOf(plain, toMessageKey(key ?? { tenant: '', key: '' }))
    expect(keyOfDocument(plain, again)).toEqual(key)
    expect(JSON.stringify(again)).toBe(JSON.stringify(id))
  })

  it('of a read model is the _id itself', () => {
    expect(documentIdOf(readModel, 'demo/o-1')).toBe('demo/o-1')
  })
})
