// What an operator can have done to a projection. Each answers at once; what takes long (a build, a comparison) goes on
// in the projectors or in the background of this process, and is looked up by its state.

import type { AnyProjection, ProjectionCode } from '@millrace/domain'
import { countGroupMembers, deleteGroup, type KafkaConnection } from '@millrace/kafka'
import {
  buildName,
  type Build,
  type BuildRegistry,
  type BuildReport,
  type BuildReports,
  type Builds,
} from '@millrace/mongo'
import { pause, problems } from '@millrace/runtime'
import { ABANDONED_AFTER_MS, type CheckOrder } from './build-check.ts'
import type { BuildProgress, ProgressOf } from './build-progress.ts'
import { nothingExpected, type Expected } from './summarise.ts'

export type OperationsDeps = {
  readonly registry: BuildRegistry
  readonly reports: BuildReports
  readonly code: ProjectionCode
  readonly kafka: KafkaConnection
  readonly progressOf: ProgressOf
  readonly mayBuildInPlace: boolean
  /** Runs a check in the background. */
  readonly startCheck: (order: CheckOrder) => void
}

export type Role = 'served' | 'previous' | 'next'

export type BuildView = {
  readonly build: Build
  readonly role: Role
  readonly progress: BuildProgress | null
  readonly comparison: BuildReport | undefined
  readonly verification: BuildReport | undefined
  readonly check: BuildReport | undefined
}

export type ProjectionView = {
  readonly projection: AnyProjection
  readonly builds: Builds
  readonly views: readonly BuildView[]
}

/** A build may be so many records behind and count as being at the end: the log does not stand still. */
export const CAUGHT_UP = 1_000
/** Lanes of a build that was dropped are gone after this, whatever had been under way. */
const LEAVE_WITHIN_MS = 30_000
const LOOK_EVERY_MS = 250

export type Operations = {
  list(): Promise<ProjectionView[]>
  view(name: string): Promise<ProjectionView>
  register(name: string): Promise<Builds>
  rebuild(name: string): Promise<Build>
  /** Builds it anew and serves it once it is found equal to the log; in place, readers get it as it grows. */
  reset(name: string, isInPlace: boolean): Promise<Build>
  compare(name: string, order: { expected: Expected; isFull: boolean }): Promise<Build>
  verify(name: string, isFull: boolean): Promise<Build>
  /** To the build that was compared. */
  switchToNext(name: string): Promise<Builds>
  rollback(name: string): Promise<Builds>
  drop(name: string, build: string): Promise<void>
  setPaused(name: string, isPaused: boolean): Promise<void>
}

export const makeOperations = (deps: OperationsDeps): Operations => ({
  list: () => list(deps),
  view: (name: string) => view(deps, name),
  register: (name: string) => register(deps, name),
  rebuild: (name: string) => rebuild(deps, name),
  reset: (name: string, isInPlace: boolean) => reset(deps, name, isInPlace),
  compare: (name: string, order: { expected: Expected; isFull: boolean }) => compare(deps, name, order),
  verify: (name: string, isFull: boolean) => verify(deps, name, isFull),
  switchToNext: (name: string) => switchToNext(deps, name),
  rollback: (name: string) => rollback(deps, name),
  drop: (name: string, build: string) => drop(deps, name, build),
  setPaused: async (name: string, isPaused: boolean) => {
    await known(deps, name)
    await deps.registry.setPaused(name, isPaused)
  },
})

const codeNamed = ({ code }: OperationsDeps, name: string): AnyProjection => {
  const projection = code.newest(name)
  if (!projection) throw problems.notFound(`there is no projection ${JSON.stringify(name)}`)
  if (projection.kind !== 'inline') return projection
  throw problems.conflict(`${name} is inline: it changes with the commits, and \`millrace setup\` builds it`)
}

const known = async (deps: OperationsDeps, name: string): Promise<Builds> => {
  const builds = await deps.registry.read(codeNamed(deps, name).name)
  if (builds) return builds
  throw problems.notFound(`${name} is not registered yet: start a projector, or POST /projections`)
}

const roleOf = ({ served, previous }: Builds, { name }: Build): Role => {
  if (name === served) return 'served'
  return name === previous ? 'previous' : 'next'
}

const buildIn = (builds: Builds, role: Role): Build | undefined =>
  builds.builds.find((build) => roleOf(builds, build) === role)

const list = async (deps: OperationsDeps): Promise<ProjectionView[]> => {
  const all = (await deps.registry.all()).filter(({ projection }) => deps.code.newest(projection))
  return Promise.all(all.map((builds) => toView(deps, builds)))
}

const view = async (deps: OperationsDeps, name: string): Promise<ProjectionView> =>
  toView(deps, await known(deps, name))

const toView = async (deps: OperationsDeps, builds: Builds): Promise<ProjectionView> => {
  const { progressOf, reports } = deps
  const projection = codeNamed(deps, builds.projection)
  const progress = await progressOf(projection, builds.builds)
  const views = await Promise.all(
    builds.builds.map(async (build): Promise<BuildView> => {
      const data = buildName(projection.name, build.name)
      return {
        build,
        role: roleOf(builds, build),
        progress: progress.get(build.name) ?? null,
        comparison: await reports.get(data, 'comparison'),
        verification: await reports.get(data, 'verification'),
        check: await reports.get(data, 'check'),
      }
    }),
  )
  return { projection, builds, views }
}

const register = async (deps: OperationsDeps, name: string): Promise<Builds> => {
  const { version } = codeNamed(deps, name)
  return deps.registry.register(name, version)
}

const rebuild = async (deps: OperationsDeps, name: string): Promise<Build> => {
  await known(deps, name)
  return deps.registry.start(name, codeNamed(deps, name).version)
}

const reset = async (deps: OperationsDeps, name: string, isInPlace: boolean): Promise<Build> => {
  await known(deps, name)
  if (isInPlace && !deps.mayBuildInPlace)
    throw problems.conflict('in place is for development: readers would get what is half built')
  const build = await deps.registry.start(name, codeNamed(deps, name).version, { isToBeServed: true })
  if (isInPlace) await deps.registry.switchTo(name, build.name)
  return build
}

const required = (builds: Builds, role: Role): Build => {
  const build = buildIn(builds, role)
  if (build) return build
  const { projection } = builds
  throw problems.conflict(
    role === 'next'
      ? `${projection} is not being built: start with POST /projections/${projection}/rebuild`
      : `${projection} has no former build to go back to`,
  )
}

const isUnderWay = (report: BuildReport | undefined): boolean =>
  report?.state === 'running' && Date.now() - report.beatAt.getTime() < ABANDONED_AFTER_MS

const compare = async (
  deps: OperationsDeps,
  name: string,
  order: { expected: Expected; isFull: boolean },
): Promise<Build> => {
  const builds = await known(deps, name)
  const [build, against] = [required(builds, 'next'), required(builds, 'served')]
  for (const one of [build, against]) assertHasCode(deps, name, one)
  await assertCaughtUp(deps, name, build)
  await assertFree(deps, name, { build, kind: 'comparison' })
  const { expected, isFull } = order
  deps.startCheck({ projection: name, build, against, kind: 'comparison', expected, keys: keysOf(isFull) })
  return build
}

const keysOf = (isFull: boolean): CheckOrder['keys'] =>
  isFull ? 'all' : { bucket: Math.floor(Math.random() * Number.MAX_SAFE_INTEGER) }

const assertHasCode = ({ code }: OperationsDeps, name: string, build: Build): void => {
  if (code.version(name, build.version)) return
  throw problems.conflict(`this code does not have ${name} ${build.version}: ask an ops of the code that has`)
}

const assertCaughtUp = async (deps: OperationsDeps, name: string, build: Build): Promise<void> => {
  const progress = (await deps.progressOf(codeNamed(deps, name), [build])).get(build.name)
  if (!progress || progress.remaining <= CAUGHT_UP) return
  const { applied, total, remaining } = progress
  throw problems.conflict(`${name} ${build.name} is still being built: ${remaining} records are missing`, {
    headers: { 'retry-after': '5' },
    members: { applied, total, remaining },
  })
}

const assertFree = async (
  { reports }: OperationsDeps,
  name: string,
  { build, kind }: { build: Build; kind: BuildReport['kind'] },
): Promise<void> => {
  if (isUnderWay(await reports.get(buildName(name, build.name), kind)))
    throw problems.conflict(`a ${kind} of ${name} ${build.name} is under way: wait for its end`, {
      headers: { 'retry-after': '5' },
    })
}

const verify = async (deps: OperationsDeps, name: string, isFull: boolean): Promise<Build> => {
  const build = required(await known(deps, name), 'served')
  assertHasCode(deps, name, build)
  await assertFree(deps, name, { build, kind: 'verification' })
  deps.startCheck({
    projection: name,
    build,
    against: null,
    kind: 'verification',
    expected: nothingExpected,
    keys: keysOf(isFull),
  })
  return build
}

/** Only what was compared with the very build that readers get, and is equal but for what was declared. */
const switchToNext = async (deps: OperationsDeps, name: string): Promise<Builds> => {
  const builds = await known(deps, name)
  const build = required(builds, 'next')
  const report = await deps.reports.get(buildName(name, build.name), 'comparison')
  const why = refusalOf(report, buildName(name, builds.served))
  if (why !== null) throw problems.conflict(`${name} ${build.name} is not switched to: ${why}`)
  await assertCaughtUp(deps, name, build)
  await deps.registry.switchTo(name, build.name)
  return known(deps, name)
}

const refusalOf = (report: BuildReport | undefined, served: string): string | null => {
  if (report?.against !== served) return `it was not compared with ${served} yet`
  switch (report.state) {
    case 'running':
      return 'it is being compared'
    case 'failed':
      return `it could not be compared: ${report.error}`
    case 'different':
      return `${report.unexpected} documents differ in what was not declared, ${report.unsettled} could not be compared`
    case 'equal':
    case 'expected':
      return null
  }
}

const rollback = async (deps: OperationsDeps, name: string): Promise<Builds> => {
  const builds = await known(deps, name)
  await deps.registry.switchTo(name, required(builds, 'previous').name)
  return known(deps, name)
}

/** It is fed no more first; its data goes when the last lane has left its group. */
const drop = async (deps: OperationsDeps, name: string, build: string): Promise<void> => {
  const builds = await known(deps, name)
  const data = buildName(name, build)
  if (builds.served === build)
    throw problems.conflict(`${data} is what readers get: switch or roll back first`)
  if (!builds.builds.some((one) => one.name === build))
    throw problems.notFound(`${name} has no build ${JSON.stringify(build)}`)
  await deps.registry.retire(name, build)
  await untilNobodyFeeds(deps, data)
  await deps.registry.deleteData(name, build)
  await deps.reports.remove(data)
}

const untilNobodyFeeds = async ({ kafka }: OperationsDeps, data: string): Promise<void> => {
  const group = `projection.${data}`
  const giveUpAt = performance.now() + LEAVE_WITHIN_MS
  while ((await countGroupMembers(kafka, group)) > 0) {
    if (performance.now() > giveUpAt)
      throw problems.unavailable(`a projector still feeds ${data}: its data is kept; drop it again later`)
    await pause(LOOK_EVERY_MS)
  }
  await deleteGroup(kafka, group)
}
