import { CommandError, EXIT } from '../exit-codes.ts'
import { differenceLines, summaryOf } from './describe-report.ts'
import { followBuild, isBuilt, lookUntil, showReport, type BuildToFollow } from './follow.ts'
import { buildIn, startedSchema, type Build } from './ops-views.ts'
import { showProgress } from '../show-progress.ts'
import type { OpsRun } from './with-ops.ts'

/** Until readers get the new build, or it is found not to be what the log says. */
export const reset = async (run: OpsRun, name: string, flags: { inPlace: boolean }): Promise<void> => {
  const build = await startOrAttach(run, name, flags)
  run.say(`${name} ${build} is being built from the beginning of the log; Ctrl-C leaves it running`)
  const followed = { name, build }
  const end = flags.inPlace ? await followBuild(run, followed) : await untilServed(run, followed)
  const report = end.verification
  const value = { name, build, role: end.role, verification: report }
  if (end.role === 'served')
    return run.print(
      [`readers get ${name} ${build}${report ? `, which is ${summaryOf(report)}` : ''}`],
      value,
    )
  run.print(report ? [`${name} ${build} ${summaryOf(report)}`, ...differenceLines(report)] : [], value)
  const next = `readers get what they got; \`millrace projections drop ${name} ${build}\` gives it up`
  throw new CommandError(`${name} ${build} is not served: ${next}`, EXIT.mismatch)
}

const startOrAttach = async (
  { client, say }: OpsRun,
  name: string,
  { inPlace }: { inPlace: boolean },
): Promise<string> => {
  const next = buildIn(await client.state(name), 'next')
  if (next?.isToBeServed && !inPlace) {
    say(`${name} ${next.name} is being built already: this goes on with it`)
    return next.name
  }
  return (await client.act(name, 'reset', { body: { inPlace }, schema: startedSchema })).build
}

const untilServed = async (run: OpsRun, followed: BuildToFollow): Promise<Build> => {
  const label = `${followed.name} ${followed.build}`
  const shown = showProgress(label)
  try {
    return await lookUntil(run, followed, (build) => {
      if (build.role !== 'next' || isDifferent(build)) return build
      if (isBuilt(build, label, shown) && build.verification) showReport(build.verification, shown)
      return undefined
    })
  } finally {
    shown.stop()
  }
}

/** A check that says nothing of the build is made again. */
const isDifferent = ({ verification }: Build): boolean =>
  verification?.state === 'different' && verification.unexpected > 0
