import { describe, expect, it } from '@jest/globals'
import { makeOrderIds, parseCents, parseRow } from '../src/import/purchase.ts'

const row = { customer_id: '1', date: '1997-01-01', quantity: '1', amount_usd: '11.77' }

describe('dollars', () => {
  it.each([
    ['0', 0],
    ['0.00', 0],
    ['0.1', 10],
    ['0.01', 1],
    ['0.07', 7],
    ['1', 100],
    ['1.1', 110],
    // Each of these times 100 is a little less or more in binary.
    ['11.77', 1177],
    ['1.15', 115],
    ['8.2', 820],
    ['4.35', 435],
    ['19.99', 1999],
    ['1286.01', 128601],
    ['999999999999.99', 99_999_999_999_999],
  ])('%s are %d cents', (text, cents) => {
    expect(parseCents(text)).toBe(cents)
  })

  it('are read exactly, every one up to a hundred', () => {
    const all = Array.from({ length: 10_001 }, (_, cents) => cents)
    const text = (cents: number): string =>
      `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
    expect(all.map((cents) => parseCents(text(cents)))).toEqual(all)
  })

  it.each([
    '',
    '-1',
    '+1',
    '1.234',
    '1.',
    '.5',
    '1,5',
    '1e3',
    '0x10',
    ' 1',
    '1 ',
    'NaN',
    '$5',
    '1000000000000',
  ])('%j are none', (text) => {
    expect(parseCents(text)).toBeUndefined()
  })
})

describe('a row', () => {
  it('is a purchase', () => {
    expect(parseRow(row)).toEqual({
      type: 'purchase',
      purchase: { customerId: '1', date: '1997-01-01', quantity: 1, amount: 1177 },
    })
  })

  it.each([
    [{ customer_id: '' }, /customer_id/],
    [{ customer_id: 'a b' }, /customer_id/],
    [{ customer_id: 'a/b' }, /customer_id/],
    [{ customer_id: 'a'.repeat(65) }, /customer_id/],
    [{ date: '1997-1-1' }, /date/],
    [{ date: '1997-02-29' }, /date/],
    [{ date: '01/02/1997' }, /date/],
    [{ date: '' }, /date/],
    [{ quantity: '0' }, /quantity/],
    [{ quantity: '-1' }, /quantity/],
    [{ quantity: '1.5' }, /quantity/],
    [{ quantity: '1e3' }, /quantity/],
    [{ quantity: '' }, /quantity/],
    [{ amount_usd: '-11.77' }, /amount_usd/],
    [{ amount_usd: '11.777' }, /amount_usd/],
    [{ amount_usd: '' }, /amount_usd/],
  ])('with %j is told', (change, reason) => {
    expect(parseRow({ ...row, ...change })).toEqual({
      type: 'fault',
      reason: expect.stringMatching(reason),
    })
  })

  it('with several faults tells all of them', () => {
    const { reason = '' } = parseRow({ ...row, date: 'x', quantity: 'x' }) as { reason?: string }
    expect(reason).toMatch(/date.*; quantity/)
  })

  it('that ends too early tells which columns it lacks', () => {
    const { reason = '' } = parseRow({ customer_id: '1', date: '1997-01-01' }) as { reason?: string }
    expect(reason).toMatch(/quantity.*amount_usd/)
  })
})

describe('order ids', () => {
  const purchase = (customerId: string, date: string) => ({ customerId, date, quantity: 1, amount: 1 })

  it('count a customer’s purchases of one day', () => {
    const nextId = makeOrderIds()
    expect(
      [
        purchase('1', '1997-01-01'),
        purchase('2', '1997-01-01'),
        purchase('1', '1997-01-01'),
        purchase('1', '1997-01-02'),
      ].map(nextId),
    ).toEqual([
      'cdnow-1-1997-01-01-1',
      'cdnow-2-1997-01-01-1',
      'cdnow-1-1997-01-01-2',
      'cdnow-1-1997-01-02-1',
    ])
  })

  it('are the same for the same file', () => {
    const purchases = ['1', '1', '2', '1'].map((customer) => purchase(customer, '1997-01-01'))
    expect(purchases.map(makeOrderIds())).toEqual(purchases.map(makeOrderIds()))
  })
})
