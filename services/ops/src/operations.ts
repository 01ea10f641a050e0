// What an operator can have done to a projection. Each answers at once; what takes long (a build, a comparison) goes on
// in the projectors or in the background of this process, and is looked up by its state. Two operators may do two
// things at the same time: whatever changes the list of builds is one conditional write, which one of them loses.

import type { AnyProjection } from '@millrace/domain'
import type { KafkaConnection } from '@millrace/kafka'
import { buildName, type Build, type BuildReport, type BuildReports, type Builds } from '@millrace/mongo'
import { problems } from '@millrace/runtime'
import type { BuildProgress, ProgressOf } from './build-progress.ts'
import { drop, type Dropped } from './drop-builds.ts'
import { codeNamed, inRole, known, roleOf, type FindDeps, type Role } from './find-build.ts'
import { isRefuted } from './keep-report.ts'
import { rollback, switchToNext } from './move-pointer.ts'
import { compare, verify, type CompareOrder, type StartCheck, type StartedCheck } from './order-checks.ts'

export type { Role } from './find-build.ts'

export type OperationsDeps = FindDeps & {
  readonly reports: BuildReports
  readonly kafka: KafkaConnection
  readonly progressOf: ProgressOf
  readonly mayBuildInPlace: boolean
  /** Begins a check that goes on in the background; undefined while another one is under way. */
  readonly startCheck: StartCheck
}

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

export type Operations = {
  list(): Promise<ProjectionView[]>
  view(name: string): Promise<ProjectionView>
  register(name: string): Promise<Builds>
  rebuild(name: string): Promise<Build>
  /**
   * Builds it anew, or goes on with what is being built of the newest version, and serves it once it is found equal to the
   * log; in place, readers get it as it grows.
   */
  reset(name: string, isInPlace: boolean): Promise<Build>
  compare(name: string, order: CompareOrder): Promise<StartedCheck>
  verify(name: string, isFull: boolean): Promise<StartedCheck>
  /** To the build that was compared; `build`, if given, has to be that one, or served already. */
  switchToNext(name: string, build?: string): Promise<Builds>
  rollback(name: string, build?: string): Promise<Builds>
  drop(name: string, build: string): Promise<Dropped>
  setPaused(name: string, isPaused: boolean): Promise<void>
}

export const makeOperations = (deps: OperationsDeps): Operations => ({
  list: () => list(deps),
  view: async (name) => toView(deps, await known(deps, name)),
  register: (name) => deps.registry.register(name, codeNamed(deps, name).version),
  rebuild: (name) => rebuild(deps, name),
  reset: (name, isInPlace) => reset(deps, name, isInPlace),
  compare: (name, order) => compare(deps, name, order),
  verify: (name, isFull) => verify(deps, name, isFull),
  switchToNext: (name, build) => switchToNext(deps, name, build),
  rollback: (name, build) => rollback(deps, name, build),
  drop: (name, build) => drop(deps, name, build),
  setPaused: async (name, isPaused) => {
    await known(deps, name)
    await deps.registry.setPaused(name, isPaused)
  },
})

const list = async (deps: OperationsDeps): Promise<ProjectionView[]> => {
  const all = (await deps.registry.all()).filter(({ projection }) => deps.code.newest(projection))
  return Promise.all(all.map((builds) => toView(deps, builds)))
}

const toView = async (deps: OperationsDeps, builds: Builds): Promise<ProjectionView> => {
  const { reports } = deps
  const projection = codeNamed(deps, builds.projection)
  const progress = await progressOfAll(deps, projection, builds.builds)
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

/** Each version has sources of its own. */
const progressOfAll = async (
  { code, progressOf }: OperationsDeps,
  newest: AnyProjection,
  builds: readonly Build[],
): Promise<ReadonlyMap<string, BuildProgress>> => {
  const byVersion = Map.groupBy(builds, ({ version }) => version)
  const all = [...byVersion].map(([version, some]) =>
    progressOf(code.version(newest.name, version) ?? newest, some),
  )
  return new Map((await Promise.all(all)).flatMap((progress) => [...progress]))
}

const rebuild = async (deps: OperationsDeps, name: string): Promise<Build> => {
  await known(deps, name)
  return deps.registry.start(name, codeNamed(deps, name).version)
}

/** What was found different is not looked at again: it waits for somebody to drop it. */
const assertNotRefuted = async ({ reports }: OperationsDeps, builds: Builds): Promise<void> => {
  const next = inRole(builds, 'next')
  if (!next) return
  const { projection: name } = builds
  const report = await reports.get(buildName(name, next.name), 'verification')
  if (report && isRefuted(report))
    throw problems.conflict(
      `${name} ${next.name} was found not to be what the log says: POST /projections/${name}/drop it first`,
    )
}

const reset = async (deps: OperationsDeps, name: string, isInPlace: boolean): Promise<Build> => {
  const builds = await known(deps, name)
  if (isInPlace && !deps.mayBuildInPlace)
    throw problems.conflict('in place is for development: readers would get what is half built')
  if (!isInPlace) await assertNotRefuted(deps, builds)
  const build = await deps.registry.start(name, codeNamed(deps, name).version, { isToBeServed: true })
  if (isInPlace) await deps.registry.switchTo(name, build.name)
  return build
}
