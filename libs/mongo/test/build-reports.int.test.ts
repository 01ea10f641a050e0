import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { mongoBuildReports, type BuildReport, type BuildReports } from '../src/build-reports.ts'
import { openDatabase, uniqueName, type TestDatabase } from './mongo-fixture.ts'

let database: TestDatabase
let reports: BuildReports
beforeAll(async () => {
  database = await openDatabase('build-reports')
  reports = mongoBuildReports(database.connection)
})
afterAll(() => database.drop())

let build: string
beforeEach(() => {
  build = uniqueName('build')
})

const LONG_AGO = new Date(0)

const running = (more: Partial<BuildReport> = {}): BuildReport => ({
  ...{ build, kind: 'check', run: randomUUID(), against: 'log', state: 'running' },
  ...{ startedAt: new Date(), beatAt: new Date(), endedAt: null },
  ...{ compared: 0, total: 0, events: 0, different: 0, unexpected: 0, unsettled: 0, isCutShort: false },
  ...{ byField: [], samples: [], logShare: null, error: null },
  ...more,
})

describe('the report of a build', () => {
  it('is begun by one of many', async () => {
    const begun = await Promise.all(Array.from({ length: 20 }, () => reports.begin(running(), LONG_AGO)))
    expect(begun.filter(Boolean)).toHaveLength(1)
  })

  it('is one of each kind', async () => {
    for (const kind of ['comparison', 'verification', 'check'] as const)
      expect(await reports.begin(running({ kind }), LONG_AGO)).toBe(true)
    expect(await reports.get(build, 'comparison')).toMatchObject({ kind: 'comparison' })
  })

  it('is begun again when it has ended, or was not renewed', async () => {
    const first = running()
    await reports.begin(first, LONG_AGO)
    expect(await reports.begin(running(), LONG_AGO)).toBe(false)
    expect(await reports.put({ ...first, state: 'equal' })).toBe(true)
    const second = running({ beatAt: new Date(1_000) })
    expect(await reports.begin(second, LONG_AGO)).toBe(true)
    expect(await reports.begin(running(), new Date(1_000))).toBe(false)
    expect(await reports.begin(running(), new Date(1_001))).toBe(true)
    expect([await reports.put(first), await reports.put(second)]).toEqual([false, false])
  })

  it('goes with its build, and does not come back', async () => {
    const report = running()
    await reports.begin(report, LONG_AGO)
    await reports.remove(build)
    expect(await reports.put(report)).toBe(false)
    expect(await reports.get(build, 'check')).toBeUndefined()
  })
})
