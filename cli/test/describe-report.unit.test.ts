import { describe, expect, it } from '@jest/globals'
import { projectionLines, projectionTable } from '../src/ops/describe-projection.ts'
import { differenceLines, summaryOf } from '../src/ops/describe-report.ts'
import { duration, printable, table, valueText } from '../src/words.ts'
import { buildOf, progressOf, projectionOf, reportOf } from './ops-fixture.ts'

const different = reportOf({
  ...{ state: 'different', different: 3, unexpected: 2, unsettled: 1 },
  byField: [
    { field: 'total.amount', documents: 2, isExpected: false },
    { field: 'note', documents: 1, isExpected: true },
    { field: '', documents: 1, isExpected: false },
  ],
  samples: [
    {
      ...{ key: 'demo/o-1', field: 'total.amount', against: 'build', value: 1_001, other: 1_000 },
      ...{ isExpected: false, event: null },
    },
    {
      ...{ key: 'demo/o-2', field: '', against: 'log', value: null, other: { a: 1 }, isExpected: false },
      event: { id: 'e-1', type: 'OrderPlaced', sequence: 7 },
    },
  ],
})

describe('what was found', () => {
  it('is told with the other side, and how much of the log', () => {
    expect(summaryOf(reportOf())).toBe(
      'equal to order-summary.v1: 10 documents compared; with the log 1/16 of the keys',
    )
    expect(summaryOf(reportOf({ against: 'log', logShare: 'all', compared: 1 }))).toBe(
      'equal to the log: 1 document compared; all keys',
    )
    expect(summaryOf(reportOf({ logShare: null }))).toMatch(/not compared with the log/)
    expect(summaryOf(different)).toMatch(
      /^DIFFERS from order-summary.v1 and the log: 2 documents, 1 more as declared, 1 document could not be settled/,
    )
  })

  it('tells of a difference from the log alone, where two builds agree', () => {
    const samples = different.samples.filter(({ against }) => against === 'log')
    expect(summaryOf({ ...different, samples })).toMatch(/^DIFFERS from the log: 2 documents/)
  })

  it('says what neither side has', () => {
    expect(summaryOf(reportOf({ parked: 2 }))).toMatch(/; without 2 parked events, which no document has$/)
  })

  it('is nothing bad when documents only could not be settled', () => {
    expect(summaryOf(reportOf({ state: 'different', unsettled: 2 }))).toMatch(/^could not be compared/)
  })

  it.each(['failed', 'abandoned', 'running', 'expected'] as const)('is told of one that is %s', (state) => {
    expect(summaryOf(reportOf({ state, error: 'the store was away' }))).toMatch(
      { failed: /the store was away/, abandoned: /run it again/, running: /10 of 10/, expected: /declared/ }[
        state
      ],
    )
  })

  it('has differences by field, and samples with both values and the event', () => {
    expect(differenceLines(different)).toEqual([
      'by field:',
      '  total.amount    2 documents',
      '  note            1 document   declared',
      '  (the document)  1 document',
      'samples (of your own tenant):',
      '  demo/o-1  total.amount: served 1000 -> new 1001',
      '  demo/o-2  (the document): read model nothing, by the log {"a":1}',
      '    last changed by OrderPlaced e-1',
    ])
  })

  it('is not hidden when all of it is of other tenants', () => {
    const lines = differenceLines({ ...different, samples: [] })
    expect(lines.at(-1)).toMatch(/no samples: .* of your own tenant, and none of these are/)
    expect(lines[1]).toMatch(/total.amount +2 documents/)
  })

  it('is no list where nothing differs', () => {
    expect(differenceLines(reportOf())).toEqual([])
  })
})

describe('a projection', () => {
  it('has one line in the list, with the figures of the build that is under way', () => {
    const next = buildOf('v2', 'next', {
      progress: progressOf({ remaining: 12_000, rate: 400, etaSeconds: 30, parked: 2 }),
      comparison: reportOf({ state: 'different', startedAt: '2026-01-02T00:00:00.000Z' }),
    })
    const served = buildOf('v1', 'served', { check: reportOf() })
    const [header = '', line = ''] = projectionTable([projectionOf({ builds: [served, next] })])
    expect(header.split(/ {2,}/)[5]).toBe('REMAINING')
    expect(line.split(/ {2,}/)).toEqual([
      ...['order-summary', 'per-aggregate', 'v1', '-', 'v2', '12,000', '400/s', '30 s', '2'],
      'different (comparison of v2)',
    ])
  })

  it('says that it is paused, and why a partition has stopped', () => {
    const partitions = [{ topic: 't', partition: 3, nextOffset: 7, endOffset: 9, stopped: 'a gap' }]
    const builds = [buildOf('v1', 'served', { progress: progressOf({ partitions }) })]
    const lines = projectionLines(projectionOf({ isPaused: true, builds })).join('\n')
    expect(lines).toMatch(/paused: `millrace projections resume order-summary` goes on/)
    expect(lines).toMatch(/3 +7 +9 +STOPPED: a gap/)
  })
})

describe('values', () => {
  it('cannot move the cursor or colour the terminal', () => {
    expect(printable('a\u001b[2Jb\u0007\u009b\u202e')).toBe('a\\u001b[2Jb\\u0007\\u009b\\u202e')
    expect(valueText('\u001b[31m')).toBe('"\\u001b[31m"')
  })

  it('are short', () => {
    expect(valueText('x'.repeat(1_000)).length).toBeLessThan(130)
  })

  it.each([
    [null, '-'],
    [0, '0 s'],
    [59, '59 s'],
    [61, '1 min'],
    [3_600, '1 h 0 min'],
  ])('%p seconds are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text)
  })

  it('stand below each other', () => {
    expect(
      table([
        ['a', 'b'],
        ['long', 'c'],
      ]),
    ).toEqual(['a     b', 'long  c'])
  })
})
