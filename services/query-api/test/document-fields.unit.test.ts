import { describe, expect, it } from '@jest/globals'
import { changedPaths, isChangedAt, valueAt, withParents } from '../src/why/document-fields.ts'

const before = { id: 'a', total: { amount: 1, currency: 'EUR' }, lines: [1, 2], sums: {}, note: null }

describe('changed paths', () => {
  it.each([
    ['nothing', before, []],
    ['a copy', { ...before, total: { ...before.total }, lines: [1, 2], sums: {} }, []],
    ['a field one level down', { ...before, total: { amount: 2, currency: 'EUR' } }, ['total.amount']],
    ['a list, as a whole', { ...before, lines: [1, 2, 3] }, ['lines']],
    ['a field that is new', { ...before, paidAt: 7 }, ['paidAt']],
    ['an object that was empty', { ...before, sums: { EUR: 5 } }, ['sums', 'sums.EUR']],
    ['null, which is a value', { ...before, note: 'x' }, ['note']],
    ['an object that became a value', { ...before, total: 3 }, ['total', 'total.amount', 'total.currency']],
  ])('are told: %s', (_, after, paths) => {
    expect(changedPaths(before, after)).toEqual(paths)
  })

  it('of a document that comes or goes are all it has', () => {
    const all = ['id', 'lines', 'note', 'sums', 'total.amount', 'total.currency']
    expect(changedPaths(null, before)).toEqual(all)
    expect(changedPaths(before, null)).toEqual(all)
    expect(changedPaths(null, null)).toEqual([])
  })
})

describe('a path', () => {
  it('leads to what the document itself has', () => {
    expect(valueAt(before, 'total.amount')).toBe(1)
    expect(valueAt(before, 'total')).toEqual({ amount: 1, currency: 'EUR' })
    expect(valueAt(before, 'note')).toBeNull()
    for (const path of ['lines.0', 'id.length', '__proto__', 'constructor', 'total.vat', '', 'total.'])
      expect([path, valueAt(before, path)]).toEqual([path, undefined])
    expect(valueAt(null, 'id')).toBeUndefined()
  })

  it('is changed with whatever is below it', () => {
    const after = { ...before, total: { amount: 2, currency: 'EUR' } }
    expect(
      ['total', 'total.amount', 'total.currency', 'id'].map((path) => isChangedAt(path, before, after)),
    ).toEqual([true, true, false, false])
    expect(withParents('a.b.c')).toEqual(['a', 'a.b', 'a.b.c'])
  })
})
