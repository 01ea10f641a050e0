import { describe, expect, it } from '@jest/globals'
import { allOf, anyOf, eq, isIn, ne, range, toFilter, type Scalar, type Where } from '../src/filters.ts'

type Fields = Readonly<Record<string, unknown>>

/** As it comes past the types. */
const untyped = <T>(value: unknown): T => value as T
const where = (conditions: unknown): Where<Fields> => untyped(conditions)

describe('a filter', () => {
  it('compares fields with scalars, by the operators that are written for them', () => {
    const day = new Date(0)
    expect(
      toFilter({
        a: eq('x'),
        'b.c': ne(null),
        d: isIn([1, true, 'y']),
        e: range({ gt: 1, lte: 5 }),
        f: range({ gte: day, lt: 'z' }),
      }),
    ).toEqual({
      a: { $eq: 'x' },
      'b.c': { $ne: null },
      d: { $in: [1, true, 'y'] },
      e: { $gt: 1, $lte: 5 },
      f: { $gte: day, $lt: 'z' },
    })
  })

  it('joins conditions', () => {
    const parts: Where<Fields>[] = [{ a: eq(1) }, anyOf({ b: eq(2) }, { c: eq(3) })]
    expect(toFilter(allOf(...parts))).toEqual({
      $and: [{ a: { $eq: 1 } }, { $or: [{ b: { $eq: 2 } }, { c: { $eq: 3 } }] }],
    })
    expect(toFilter(allOf())).toEqual({})
  })

  it('takes text that looks like an operator for the text it is', () => {
    expect(toFilter({ a: eq('{"$gt":""}'), b: eq('$where'), c: eq('(a+)+$') })).toEqual({
      a: { $eq: '{"$gt":""}' },
      b: { $eq: '$where' },
      c: { $eq: '(a+)+$' },
    })
  })
})

const noScalars = [
  { $gt: '' },
  { $ne: 'x' },
  { $where: 'sleep(5000)' },
  { $function: { body: 'f', args: [], lang: 'js' } },
  { $expr: { $eq: [1, 1] } },
  { $regex: '.*' },
  /.*/,
  ['x'],
  {},
  undefined,
  () => 'x',
  Symbol('x'),
  10n,
  Buffer.from('x'),
]

/** An undefined bound is none, and a range needs one. */
const isBound = (value: unknown): boolean => value !== undefined

describe('what is no scalar', () => {
  it.each(noScalars.filter(isBound).map((value) => [value]))('is no bound: %p', (value) => {
    expect(() => range({ gt: 'a', lte: untyped<Scalar>(value) })).toThrow(TypeError)
  })

  it.each(noScalars.map((value) => [value]))('is compared with nothing: %p', (value) => {
    const given = untyped<Scalar>(value)
    expect(() => eq(given)).toThrow(TypeError)
    expect(() => ne(given)).toThrow(TypeError)
    expect(() => isIn(['x', given])).toThrow(TypeError)
  })

  it.each(noScalars.map((value) => [value]))('is no comparison itself: %p', (value) => {
    expect(() => toFilter(where({ a: value }))).toThrow(TypeError)
  })

  it('is no comparison as text either, nor as what JSON makes of one', () => {
    expect(() => toFilter(where({ a: 'x' }))).toThrow(TypeError)
    const parsed: unknown = JSON.parse(JSON.stringify(eq('x')))
    expect(() => toFilter(where({ a: parsed }))).toThrow(TypeError)
    expect(() => toFilter(where({ a: { COMPARED: { $gt: '' }, compared: { $gt: '' } } }))).toThrow(TypeError)
  })
})

describe('a name of a field', () => {
  it.each(['$where', '$expr', '$or', '$comment', '', 'a.$where', 'a\0b', '.a', '__proto__'])(
    'is not %j',
    (name) => {
      expect(() => toFilter(where(Object.fromEntries([[name, eq('x')]])))).toThrow(TypeError)
    },
  )

  it.each(['tenant', '_tenant', 'tenant.x', '_tenant.x'])('is not the tenant’s: %s', (name) => {
    expect(() => toFilter(where({ [name]: eq('x') }))).toThrow(TypeError)
    expect(() => toFilter(allOf(where({ [name]: eq('x') })))).toThrow(TypeError)
    expect(() => toFilter(anyOf({ a: eq(1) }, where({ [name]: eq('x') })))).toThrow(TypeError)
  })

  it('may begin like it', () => {
    expect(toFilter({ tenants: eq('x') })).toEqual({ tenants: { $eq: 'x' } })
  })
})

it('a range has a bound', () => {
  expect(() => range({})).toThrow(TypeError)
})
