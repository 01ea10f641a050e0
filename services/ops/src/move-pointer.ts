import { buildName, type Build, type BuildReport, type BuildReports, type Builds } from '@millrace/mongo'
import { problems } from '@millrace/runtime'
import { isAbandoned } from './keep-report.ts'
import type { ProgressOf } from './build-progress.ts'
import { known, required, type FindDeps } from './find-build.ts'
import { assertCaughtUp } from './order-checks.ts'

export type PointerDeps = FindDeps & { readonly reports: BuildReports; readonly progressOf: ProgressOf }

/**
 * Only what was compared with the very build that readers get, and is equal but for what was declared. Somebody who
 * moves the pointer meanwhile wins: the switch is from the build that was compared with, or not at all.
 */
export const switchToNext = async (deps: PointerDeps, name: string, wanted?: string): Promise<Builds> => {
  const builds = await known(deps, name)
  if (isServed(builds, wanted)) return builds
  assertNotBehind(builds, wanted)
  const build = required(builds, 'next', wanted)
  const served = required(builds, 'served')
  const report = await deps.reports.get(buildName(name, build.name), 'comparison')
  const why = refusalOf(report, { name, served, build })
  if (why !== null) throw problems.conflict(`${buildName(name, build.name)} is not switched to: ${why}`)
  await assertCaughtUp(deps, builds, build)
  await deps.registry.switchTo(name, build.name, builds.served)
  return known(deps, name)
}

export const rollback = async (deps: PointerDeps, name: string, wanted?: string): Promise<Builds> => {
  const builds = await known(deps, name)
  if (isServed(builds, wanted)) return builds
  await deps.registry.switchTo(name, required(builds, 'previous', wanted).name, builds.served)
  return known(deps, name)
}

/** A request that is repeated does not lead back. */
const isServed = ({ served, switchingTo }: Builds, wanted: string | undefined): boolean =>
  served === wanted && switchingTo === null

/** Whoever names a build that is not the next one has something else in mind. */
const assertNotBehind = ({ projection, previous, builds }: Builds, wanted: string | undefined): void => {
  if (wanted === undefined) return
  if (wanted === previous)
    throw problems.conflict(
      `${projection} ${wanted} is what readers got before: POST /projections/${projection}/rollback`,
    )
  if (!builds.some(({ name }) => name === wanted))
    throw problems.conflict(`${projection} has no build ${JSON.stringify(wanted)}: look again`)
}

type Pair = { readonly name: string; readonly served: Build; readonly build: Build }

/** Why there is no switch yet; null when nothing speaks against it. */
export const refusalOf = (report: BuildReport | undefined, { name, served, build }: Pair): string | null => {
  const against = buildName(name, served.name)
  const first = `first POST /projections/${name}/compare`
  if (report?.against !== against) return `it was not compared with ${against} yet: ${first}`
  if (report.startedAt < build.startedAt || report.startedAt < served.startedAt)
    return `its comparison is older than the builds: ${first}`
  if (isAbandoned(report)) return `its comparison was broken off: ${first}`
  return faultIn(report) ?? (isOld(report) ? `its comparison is more than an hour old: ${first}` : null)
}

/** Both builds have gone on since, by code that may have been exchanged: what it proved was about what they were then. */
const COMPARISON_HOLDS_MS = 60 * 60_000

const isOld = ({ endedAt }: BuildReport): boolean =>
  endedAt !== null && Date.now() - endedAt.getTime() > COMPARISON_HOLDS_MS

const faultIn = (report: BuildReport): string | null => {
  switch (report.state) {
    case 'running':
      return 'it is being compared'
    case 'failed':
      return `it could not be compared: ${report.error}`
    case 'different':
      return differencesIn(report)
    case 'equal':
    case 'expected':
      return null
  }
}

const differencesIn = ({ unexpected, unsettled, isCutShort }: BuildReport): string => {
  const counts = `${unexpected} documents differ in what was not declared, ${unsettled} could not be compared`
  return isCutShort ? `${counts}, and the others were not looked at` : counts
}
