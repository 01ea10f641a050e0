import { describe, expect, it } from '@jest/globals'
import { orderSummary } from '@millrace/domain'
import type { BuildReport } from '@millrace/mongo'
import { projectionSchema, toProjection } from '../src/http/projection-views.ts'
import { buildOf, buildsOf, reportOf, runningReport } from './ops-fixture.ts'

const sampleOf = (key: string): BuildReport['samples'][number] => ({
  ...{ key, field: 'status', against: 'log', value: 'paid', other: 'placed', isExpected: false, event: null },
})

const shown = (comparison: BuildReport, tenant = 'demo') => {
  const view = { build: buildOf('v1.1'), role: 'next', progress: null, comparison } as const
  const views = [{ ...view, verification: undefined, check: undefined }]
  const projection = toProjection({ projection: orderSummary, builds: buildsOf(), views }, tenant)
  expect(projectionSchema.safeParse(projection).error).toBeUndefined()
  return projection.builds[0]?.comparison
}

describe('what a caller is shown of a report', () => {
  it('is counts of all tenants, and documents of its own', () => {
    const samples = ['demo/o-1', 'demo-2/o-1', 'dem/o-1', 'acme/demo/o-1'].map(sampleOf)
    const found = shown(reportOf({ state: 'different', different: 4, unexpected: 4, samples }))
    expect(found).toMatchObject({ different: 4, samples: [{ key: 'demo/o-1' }] })
    expect(found?.samples).toHaveLength(1)
  })

  it('is that nobody goes on with it, when nobody has renewed it', () => {
    expect(shown(runningReport())?.state).toBe('running')
    expect(shown(runningReport({ beatAt: new Date(0) }))?.state).toBe('abandoned')
    expect(shown(reportOf({ beatAt: new Date(0) }))?.state).toBe('equal')
  })
})
