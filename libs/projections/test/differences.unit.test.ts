import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { differencesOf } from '../src/differences.ts'

describe('the differences of two documents', () => {
  it('are named by their path, down to the fields that hold a value', () => {
    const one = { status: 'paid', total: { amount: 1, currency: 'EUR' }, by: { hour: { count: 1 } } }
    const other = { status: 'paid', total: { amount: 2, currency: 'EUR' }, by: { hour: { count: 3 } } }
    expect(differencesOf(one, other)).toEqual([
      { field: 'total.amount', one: 1, other: 2 },
      { field: 'by.hour.count', one: 1, other: 3 },
    ])
  })

  it('are, in lists, told by place', () => {
    const [one, other] = [{ entries: [{ at: 1 }, { at: 2 }] }, { entries: [{ at: 1 }, { at: 3 }, { at: 4 }] }]
    expect(differencesOf(one, other)).toEqual([
      { field: 'entries.1.at', one: 2, other: 3 },
      { field: 'entries.2', one: undefined, other: { at: 4 } },
    ])
  })

  it('tell a field that is absent from one that is null', () => {
    expect(differencesOf({ a: null, c: null }, { b: null, c: undefined })).toEqual([
      { field: 'a', one: null, other: undefined },
      { field: 'c', one: null, other: undefined },
      { field: 'b', one: undefined, other: null },
    ])
  })

  it('tell a list from an object with the same fields, and values of other types', () => {
    expect(
      differencesOf({ a: ['x'], b: {}, c: 1, d: 0 }, { a: { 0: 'x' }, b: null, c: '1', d: false }),
    ).toEqual([
      { field: 'a', one: ['x'], other: { 0: 'x' } },
      { field: 'b', one: {}, other: null },
      { field: 'c', one: 1, other: '1' },
      { field: 'd', one: 0, other: false },
    ])
  })

  it('are of the whole document where one side has none', () => {
    expect(differencesOf(null, { a: 1 })).toEqual([{ field: '', one: null, other: { a: 1 } }])
    expect(differencesOf(null, null)).toEqual([])
  })

  it('name no field that every object inherits', () => {
    expect(differencesOf({ constructor: 1 }, {})).toEqual([
      { field: 'constructor', one: 1, other: undefined },
    ])
    expect(differencesOf({}, { toString: 'x' })).toEqual([{ field: 'toString', one: undefined, other: 'x' }])
  })

  it('are fifty at most', () => {
    const many = (value: number) => ({ list: Array.from({ length: 40 }, () => value), more: many40(value) })
    const many40 = (value: number) =>
      Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`f${n}`, value]))
    const found = differencesOf(many(1), many(2))
    expect(found).toHaveLength(50)
    expect(found.at(-1)?.field).toBe('more.f9')
  })

  it('do not care how a side came to its objects', () => {
    class Decoded {
      amount = 1
    }
    expect(differencesOf({ total: new Decoded() }, { total: { amount: 1 } })).toEqual([])
  })

  it('are none exactly where both are the same as JSON', () => {
    const anyDocument = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue({ maxDepth: 3 }))
    fc.assert(
      fc.property(anyDocument, anyDocument, (one, other) => {
        expect(differencesOf(one, other).length === 0).toBe(canonical(one) === canonical(other))
        expect(differencesOf(one, asJson(one))).toEqual([])
      }),
    )
  })

  it('are all that has to change to make one the other', () => {
    const anyFlat = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom(null, 1, 'x', true))
    fc.assert(
      fc.property(anyFlat, anyFlat, (one, other) => {
        const changed = {
          ...one,
          ...Object.fromEntries(differencesOf(one, other).map((d) => [d.field, d.other])),
        }
        expect(asJson(changed)).toEqual(asJson(other))
      }),
    )
  })
})

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** With the fields of each object in order. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
