import { describe, expect, it } from '@jest/globals'
import type { Comparison, DocumentDifference } from '@millrace/projections'
import { isExpectedIn, nothingExpected, summarise, type Expected, type Found } from '../src/summarise.ts'

const comparison = (more: Partial<Comparison> = {}): Comparison => ({
  compared: 10,
  different: [],
  unsettled: [],
  isCutShort: false,
  expected: { documents: 0, byField: new Map(), samples: [] },
  ...more,
})

const differing = (key: string, ...fields: string[]): DocumentDifference => ({
  key,
  fields: fields.map((field) => ({ field, one: 2, other: 1 })),
})

const against = (other: Found['against'], more: Partial<Comparison> = {}): Found => ({
  comparison: comparison(more),
  against: other,
})

const expecting = (more: Partial<Expected>): Expected => ({ ...nothingExpected, ...more })

describe('what a check has found', () => {
  it('is equal when nothing differs', () => {
    expect(summarise([against('build'), against('log')], nothingExpected)).toMatchObject({
      ...{ state: 'equal', different: 0, unexpected: 0, unsettled: 0, byField: [], samples: [] },
    })
  })

  it('is expected when nothing differs but what was declared', () => {
    const expected = {
      documents: 1_000,
      byField: new Map([['total.amount', 1_000]]),
      samples: [differing('demo/o-1', 'total.amount')],
    }
    const summary = summarise([against('build', { expected })], expecting({ fields: ['total'] }))
    expect(summary).toMatchObject({
      ...{ state: 'expected', different: 1_000, unexpected: 0 },
      byField: [{ field: 'total.amount', documents: 1_000, isExpected: true }],
      samples: [{ key: 'demo/o-1', isExpected: true }],
    })
  })

  it('is different also when the log alone says so, whatever was declared', () => {
    const found = [against('log', { different: [differing('demo/o-1', 'total.amount')] })]
    expect(summarise(found, expecting({ fields: ['total'] }))).toMatchObject({
      ...{ state: 'different', unexpected: 1 },
      samples: [{ against: 'log', isExpected: false }],
    })
  })

  it.each([
    ['could not be compared', { unsettled: ['demo/o-1'] }],
    ['were not looked at', { isCutShort: true }],
  ])('is not equal as long as documents %s', (_, more) => {
    expect(summarise([against('build', more)], nothingExpected).state).toBe('different')
  })

  it('counts a document once that differs from both', () => {
    const different = [differing('demo/o-1', 'status', 'total')]
    const summary = summarise(
      [against('build', { different }), against('log', { different })],
      nothingExpected,
    )
    expect([summary.different, summary.unexpected]).toEqual([1, 1])
  })

  it('shows what was not declared first, and no more than twenty of it', () => {
    const different = Array.from({ length: 30 }, (_, index) =>
      differing(`demo/o-${index}`, 'total', 'status'),
    )
    const { samples, byField } = summarise(
      [against('build', { different })],
      expecting({ fields: ['total'] }),
    )
    expect(samples).toHaveLength(20)
    expect(new Set(samples.map(({ field }) => field))).toEqual(new Set(['status']))
    expect(byField).toEqual([
      { field: 'status', documents: 30, isExpected: false },
      { field: 'total', documents: 30, isExpected: true },
    ])
  })

  it('is small enough for one document, whatever the documents hold', () => {
    const large = 'x'.repeat(1_000_000)
    const different = Array.from({ length: 900 }, (_, index) => ({
      key: `demo/o-${index}`,
      fields: [{ field: `days.${index}`, one: { large }, other: undefined }],
    }))
    const { samples, byField } = summarise([against('build', { different })], nothingExpected)
    expect(JSON.stringify({ samples, byField }).length).toBeLessThan(100_000)
    expect(samples[0]).toMatchObject({ value: expect.stringMatching(/^\{"large":"x+…$/), other: null })
    expect(byField).toHaveLength(100)
  })
})

describe('an expectation', () => {
  const isExpected = (expected: Partial<Expected>, field: string, one: unknown = 1, other: unknown = 2) =>
    isExpectedIn(expecting(expected), { field, one, other })

  it('is of a field and all below it, and of no other one', () => {
    const fields = ['total']
    expect(isExpected({ fields }, 'total')).toBe(true)
    expect(isExpected({ fields }, 'total.amount')).toBe(true)
    expect(isExpected({ fields }, 'totals')).toBe(false)
    expect(isExpected({ fields: ['total.amount'] }, 'total')).toBe(false)
  })

  it('of documents is of those that are added, or of those that are gone', () => {
    expect(isExpected({ isAdding: true }, '', { a: 1 }, null)).toBe(true)
    expect(isExpected({ isAdding: true }, '', null, { a: 1 })).toBe(false)
    expect(isExpected({ isRemoving: true }, '', null, { a: 1 })).toBe(true)
    expect(isExpected({ fields: [''] }, '', { a: 1 }, null)).toBe(false)
  })
})
