import { CommandError, EXIT } from '../exit-codes.ts'
import { differenceLines, summaryOf } from './describe-report.ts'
import { followReport } from './follow.ts'
import { startedSchema, type Report } from './ops-views.ts'
import type { OpsRun } from './with-ops.ts'
import { printable } from '../words.ts'

export type CompareFlags = {
  readonly expect: readonly string[]
  readonly expectAdded: boolean
  readonly expectRemoved: boolean
  readonly full: boolean
}

export type Compared = {
  readonly build: string
  readonly report: Report
  /** That were declared, and that nothing differs in. */
  readonly unmet: readonly string[]
}

/** The build that is next with the one that readers get, to the end. */
export const compareBuild = async (
  run: OpsRun,
  name: string,
  { expect, expectAdded, expectRemoved, full }: CompareFlags,
): Promise<Compared> => {
  const body = { expect, expectAdded, expectRemoved, full }
  const { build } = await run.client.act(name, 'compare', { body, schema: startedSchema })
  const report = await followReport(run, { name, build, kind: 'comparison' })
  return { build, report, unmet: expect.filter((field) => !isMet(report, field)) }
}

const isMet = ({ byField }: Report, declared: string): boolean =>
  byField.some(({ field }) => field === declared || field.startsWith(`${declared}.`))

export const comparedLines = (name: string, { build, report, unmet }: Compared): string[] => [
  `${name} ${build} ${summaryOf(report)}`,
  ...unmet.map((field) => `nothing differs in ${printable(field)}, which was declared`),
  ...differenceLines(report),
  ...(isGood(report) ? [`next: \`millrace projections switch ${name}\``] : []),
]

const isGood = ({ state }: Report): boolean => state === 'equal' || state === 'expected'

/** Ends the command unless nothing is wrong; what was found has been printed. */
export const assertSame = (what: string, report: Report): void => {
  if (isGood(report)) return
  if (report.state === 'failed') throw new CommandError(`${what} could not be compared: ${report.error}`)
  if (report.unexpected > 0) throw new CommandError(`${what} is not what it should be`, EXIT.mismatch)
  throw new CommandError(`${what} could not be compared to the end: run it again`)
}
