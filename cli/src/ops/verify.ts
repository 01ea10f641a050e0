import { CommandError, EXIT } from '../exit-codes.ts'
import { differenceLines, summaryOf } from './describe-report.ts'
import { followReport } from './follow.ts'
import { startedSchema, type Projection, type Report } from './ops-views.ts'
import type { OpsRun } from './with-ops.ts'

/** `report` is null where there is nothing to compare with, or where it could not be begun. */
type Verified = {
  readonly name: string
  readonly build: string
  readonly isVerifiable: boolean
  readonly report: Report | null
  readonly error: string | null
}

/** What readers get against the log, one projection after the other. */
export const verify = async (
  run: OpsRun,
  name: string | undefined,
  flags: { full: boolean },
): Promise<void> => {
  const projections = name === undefined ? await run.client.list() : [await run.client.state(name)]
  const all: Verified[] = []
  for (const projection of projections) all.push(await verifyOne(run, projection, flags))
  run.print(all.flatMap(linesOf), all)
  assertAll(all)
}

const verifyOne = async (
  run: OpsRun,
  { name, served, isVerifiable }: Projection,
  body: { full: boolean },
): Promise<Verified> => {
  const one = { name, build: served, isVerifiable, report: null, error: null }
  if (!isVerifiable) return one
  try {
    const { build } = await run.client.act(name, 'verify', { body, schema: startedSchema })
    return { ...one, build, report: await followReport(run, { name, build, kind: 'verification' }) }
  } catch (error) {
    // What is wrong with this one is not with the others.
    if (!(error instanceof CommandError) || error.exitCode !== EXIT.failure) throw error
    return { ...one, error: error.message }
  }
}

const linesOf = ({ name, build, isVerifiable, report, error }: Verified): string[] => {
  if (!isVerifiable) return [`${name}: cannot be verified: the event store does not keep its topic`]
  if (!report) return [`${name} ${build} was not verified: ${error}`]
  return [`${name} ${build} ${summaryOf(report)}`, ...differenceLines(report)]
}

const assertAll = (all: readonly Verified[]): void => {
  const namesOf = (some: readonly Verified[]): string => some.map(({ name }) => name).join(', ')
  const drifted = all.filter(({ report }) => (report?.unexpected ?? 0) > 0)
  if (drifted.length > 0) throw new CommandError(`not what the log says: ${namesOf(drifted)}`, EXIT.mismatch)
  const missing = all.filter(({ isVerifiable, report }) => isVerifiable && report?.state !== 'equal')
  if (missing.length > 0) throw new CommandError(`could not be verified: ${namesOf(missing)}`)
  const [only] = all
  if (all.length === 1 && only?.isVerifiable === false)
    throw new CommandError(`${only.name} cannot be verified: compare it with another build of it`)
}
