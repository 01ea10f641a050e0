import { buildName, type Build, type BuildReport, type Builds } from '@millrace/mongo'
import { problems } from '@millrace/runtime'
import { isInStore, type CheckOrder } from './build-check.ts'
import { stoppedIn, type ProgressOf } from './build-progress.ts'
import { assertHasCode, known, required, type FindDeps } from './find-build.ts'
import { nothingExpected, type Expected } from './summarise.ts'

export type StartCheck = (order: CheckOrder) => Promise<BuildReport | undefined>

export type CheckingDeps = FindDeps & { readonly progressOf: ProgressOf; readonly startCheck: StartCheck }

export type CompareOrder = { readonly expected: Expected; readonly isFull: boolean }

/** The report has begun: what the state says of it from now on is of this check, or of a later one. */
export type StartedCheck = { readonly build: Build; readonly startedAt: Date }

export const compare = async (
  deps: CheckingDeps,
  name: string,
  { expected, isFull }: CompareOrder,
): Promise<StartedCheck> => {
  const builds = await known(deps, name)
  const build = required(builds, 'next')
  const against = required(builds, 'served')
  for (const one of [build, against]) assertHasCode(deps, name, one)
  // What one side has not done yet is done in memory: little, as long as both are there.
  for (const one of [build, against]) await assertCaughtUp(deps, builds, one)
  const keys = keysOf(isFull)
  return begin(deps, { projection: name, build, against, kind: 'comparison', expected, keys })
}

export const verify = async (deps: CheckingDeps, name: string, isFull: boolean): Promise<StartedCheck> => {
  const build = required(await known(deps, name), 'served')
  const projection = assertHasCode(deps, name, build)
  if (!isInStore(projection))
    throw problems.conflict(
      `${name} cannot be compared with the log: the event store does not keep ${projection.sources.join(', ')}`,
    )
  const keys = keysOf(isFull)
  const expected = nothingExpected
  return begin(deps, { projection: name, build, against: null, kind: 'verification', expected, keys })
}

const keysOf = (isFull: boolean): CheckOrder['keys'] =>
  isFull ? 'all' : { bucket: Math.floor(Math.random() * Number.MAX_SAFE_INTEGER) }

const begin = async ({ startCheck }: CheckingDeps, order: CheckOrder): Promise<StartedCheck> => {
  const { projection, build, kind } = order
  const report = await startCheck(order)
  if (report) return { build, startedAt: report.startedAt }
  throw problems.conflict(`a ${kind} of ${projection} ${build.name} is under way: wait for its end`, {
    headers: { 'retry-after': '5' },
  })
}

export const assertCaughtUp = async (
  deps: Pick<CheckingDeps, 'code' | 'progressOf'>,
  { projection: name, isPaused }: Builds,
  build: Build,
): Promise<void> => {
  if (isPaused) throw problems.conflict(`${name} is paused: resume it first`)
  const progress = (await deps.progressOf(assertHasCode(deps, name, build), [build])).get(build.name)
  if (!progress) return
  const { applied, total, remaining } = progress
  const members = { applied, total, remaining }
  const data = buildName(name, build.name)
  const stopped = stoppedIn(progress)
  if (stopped)
    throw problems.conflict(
      `${data} has stopped in ${stopped.topic}/${stopped.partition}: ${stopped.stopped}; ${WITHOUT_IT}`,
      { members },
    )
  if (progress.isCaughtUp) return
  throw problems.conflict(`${data} is still being built: ${remaining} records are missing`, {
    headers: { 'retry-after': '5' },
    members,
  })
}

/** Nobody need wait for a build that does not go on. */
const WITHOUT_IT = 'a reset serves a build of the newest version once it is found to be what the log says'
