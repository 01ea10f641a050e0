import { describe, expect, it } from '@jest/globals'
import type { DifferenceSample } from '@millrace/mongo'
import type { FoldedChange } from '@millrace/projections'
import { explainDrift } from '../src/explain-drift.ts'

const sample = (key: string, field: string, against: 'build' | 'log' = 'log'): DifferenceSample => ({
  ...{ key, field, against, value: 1, other: 2, isExpected: false, event: null },
})

type Document = Readonly<Record<string, unknown>>

const change = (key: string, sequence: number, [before, after]: [Document | null, Document | null]) =>
  ({
    key,
    event: { id: `e-${sequence}`, type: 'OrderChanged', sequence },
    before,
    write: { id: key, tenant: 'demo', sequence, fields: after },
  }) as unknown as FoldedChange

const placed = { status: 'placed', total: { amount: 1 } }
const paid = { ...placed, status: 'paid' }
const cancelled = { ...paid, status: 'cancelled' }

const history = [
  change('demo/o-1', 1, [null, placed]),
  change('demo/o-2', 2, [null, placed]),
  change('demo/o-1', 3, [placed, paid]),
  change('demo/o-1', 4, [paid, cancelled]),
]

const explain = async (...samples: DifferenceSample[]) => {
  const folded: string[] = []
  const explained = await explainDrift(samples, async (wants, onChange) => {
    for (const one of history.filter(({ key }) => wants(key))) {
      folded.push(one.key)
      onChange(one)
    }
  })
  return { folded, events: explained.map(({ event }) => event?.sequence ?? null) }
}

describe('a drift', () => {
  it('is explained by the last event that changed the field', async () => {
    expect((await explain(sample('demo/o-1', 'status'))).events).toEqual([4])
    expect((await explain(sample('demo/o-1', 'total.amount'))).events).toEqual([1])
  })

  it('of a whole, by one that changed a part; of a document, by the last one', async () => {
    expect((await explain(sample('demo/o-1', 'total'), sample('demo/o-1', ''))).events).toEqual([1, 4])
  })

  it('that no event made has none: of a document that the log does not know', async () => {
    expect((await explain(sample('demo/o-9', ''))).events).toEqual([null])
  })

  it('is looked for in the drifted documents alone, and with the log alone', async () => {
    const { folded, events } = await explain(
      sample('demo/o-2', 'status'),
      sample('demo/o-1', 'status', 'build'),
    )
    expect([folded, events]).toEqual([['demo/o-2'], [2, null]])
    expect((await explain(sample('demo/o-1', 'status', 'build'))).folded).toEqual([])
  })
})
