import { describe, expect, it } from '@jest/globals'
import { silentLogger } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { ABANDONED_AFTER_MS, beginReport, isAbandoned, type KeptReport } from '../src/keep-report.ts'
import { memoryReports, runningReport, type MemoryReports } from './ops-fixture.ts'

const PATIENT = { timeoutMs: 15_000 }

const begin = async (
  reports: MemoryReports,
  work: (kept: KeptReport) => Promise<void>,
  {
    report = runningReport(),
    signal,
  }: { report?: ReturnType<typeof runningReport>; signal?: AbortSignal } = {},
) => beginReport({ reports, logger: silentLogger, signal }, report, work)

const untilAborted = ({ signal }: KeptReport): Promise<void> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))

describe('the report of a check', () => {
  it('is there before anything is looked at, and has the end', async () => {
    const reports = memoryReports()
    const { build, kind } = runningReport()
    const running = await begin(reports, async ({ change }) => {
      expect(await reports.get(build, kind)).toMatchObject({ state: 'running' })
      change({ state: 'equal', compared: 7 })
    })
    expect(await running?.done).toMatchObject({ state: 'equal', compared: 7, endedAt: expect.any(Date) })
    expect(await reports.get(build, kind)).toMatchObject({ state: 'equal' })
  })

  it('has one run at a time', async () => {
    const reports = memoryReports()
    const first = Promise.withResolvers<void>()
    const running = await begin(reports, async ({ change }) => {
      await first.promise
      change({ state: 'equal' })
    })
    expect(await begin(reports, async () => undefined)).toBeUndefined()
    first.resolve()
    await running?.done
    expect(await begin(reports, async () => undefined)).toBeDefined()
  })

  it('is renewed while it runs, also while nothing new is known', async () => {
    const reports = memoryReports()
    const end = Promise.withResolvers<void>()
    const running = await begin(reports, () => end.promise)
    await eventually(
      () => reports.puts.length,
      (puts) => puts > 1,
      PATIENT,
    )
    expect(reports.puts[1]?.beatAt.getTime()).toBeGreaterThan(running?.report.beatAt.getTime() ?? 0)
    end.resolve()
    await running?.done
  })

  it('of a process that is gone is nobody’s: the next one takes its place', async () => {
    const reports = memoryReports()
    const lost = runningReport({ beatAt: new Date(Date.now() - ABANDONED_AFTER_MS - 1_000) })
    await reports.begin(lost, new Date(0))
    expect(isAbandoned(lost)).toBe(true)
    const running = await begin(reports, async ({ change }) => change({ state: 'equal' }))
    expect(await running?.done).toMatchObject({ state: 'equal' })
    expect(await reports.put({ ...lost, state: 'different' })).toBe(false)
  })

  it('ends a run whose build was dropped, and is not written again', async () => {
    const reports = memoryReports()
    const running = await begin(reports, untilAborted)
    const { build = '', kind = 'check' } = running?.report ?? {}
    await reports.remove(build)
    expect(await running?.done).toBeUndefined()
    expect(await reports.get(build, kind)).toBeUndefined()
  })

  it('is given back at once by a process that stops: it looks abandoned, not failed', async () => {
    const reports = memoryReports()
    const ended = new AbortController()
    const running = await begin(reports, untilAborted, { signal: ended.signal })
    ended.abort()
    expect(await running?.done).toBeUndefined()
    const { build = '', kind = 'check' } = running?.report ?? {}
    const left = await reports.get(build, kind)
    expect([left?.state, left && isAbandoned(left)]).toEqual(['running', true])
    expect(await begin(reports, async () => undefined)).toBeDefined()
  })

  it('says why a check failed', async () => {
    const running = await begin(memoryReports(), () => Promise.reject(new Error('the log is damaged')))
    expect(await running?.done).toMatchObject({ state: 'failed', error: 'the log is damaged' })
  })

  it('is written once the store is back', async () => {
    const reports = memoryReports()
    const running = await begin(reports, async ({ change }) => {
      reports.fails = true
      change({ state: 'different', different: 3 })
    })
    await eventually(
      () => reports.fails,
      (fails) => fails,
    )
    reports.fails = false
    expect(await running?.done).toMatchObject({ state: 'different', different: 3 })
  })
})
