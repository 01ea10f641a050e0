import { expect, it } from '@jest/globals'
import { refusalOf } from '../src/move-pointer.ts'
import { buildOf, NAME, reportOf, runningReport } from './ops-fixture.ts'

const [served, build] = [buildOf('v1'), buildOf('v1.1')]
const refusal = (report: Parameters<typeof refusalOf>[0]): string | null =>
  refusalOf(report, { name: NAME, served, build })
const justNow = { startedAt: new Date(), endedAt: new Date() }

it('what was just found equal, or different as declared, is switched to', () => {
  expect(refusal(reportOf(justNow))).toBeNull()
  expect(refusal(reportOf({ ...justNow, state: 'expected', different: 3 }))).toBeNull()
})

it('what nobody compared with the served build is not', () => {
  expect(refusal(undefined)).toMatch(/was not compared with order-summary.v1 yet: first POST/)
  expect(refusal(reportOf({ ...justNow, against: 'order-summary.v0' }))).toMatch(/was not compared/)
})

it('nor is what was compared more than an hour ago: both builds have gone on since', () => {
  const endedAt = new Date(Date.now() - 61 * 60_000)
  expect(refusal(reportOf({ startedAt: endedAt, endedAt }))).toMatch(/more than an hour old: first POST/)
})

it('what differs, runs or failed says so, however old it is', () => {
  expect(refusal(runningReport())).toBe('it is being compared')
  expect(refusal(reportOf({ ...justNow, state: 'failed', error: 'away' }))).toMatch(/away/)
  const different = { state: 'different', unexpected: 2, endedAt: new Date(1_000) } as const
  expect(refusal(reportOf({ startedAt: new Date(), ...different }))).toMatch(/^2 documents differ/)
})
