// A build that is dropped leaves the list first, so that projectors stop feeding it; its data goes when the last of them
// has left its group. Until then it is retired: whatever ends this process in between, the next look of any ops goes
// on. A projector that was slow to hear may begin a lane after its data has gone, and stops within a second or two;
// what such a lane leaves goes at a later look, for a build is not forgotten at once.

import { countGroupMembers, deleteGroup, type KafkaConnection } from '@millrace/kafka'
import { buildName, type BuildReports, type Builds } from '@millrace/mongo'
import { messageOf, pause, problems, type Logger } from '@millrace/runtime'
import { known, type FindDeps } from './find-build.ts'

type RetiredBuild = Builds['retired'][number]

export type DropDeps = FindDeps & { readonly reports: BuildReports; readonly kafka: KafkaConnection }

/** `leaving`: its data goes by itself when nobody feeds it any more. */
export type Dropped = 'gone' | 'leaving'

const WAIT_MS = 20_000
const LOOK_EVERY_MS = 250

export const drop = async (deps: DropDeps, name: string, build: string): Promise<Dropped> => {
  const { served, builds, retired } = await known(deps, name)
  if (served === build)
    throw problems.conflict(`${buildName(name, build)} is what readers get: switch or roll back first`)
  if (![...builds, ...retired].some((one) => one.name === build))
    throw problems.notFound(`${name} has no build ${JSON.stringify(build)}`)
  await deps.registry.retire(name, build)
  const giveUpAt = performance.now() + WAIT_MS
  while (!(await deleteUnlessFed(deps, name, build))) {
    if (performance.now() > giveUpAt) return 'leaving'
    await pause(LOOK_EVERY_MS)
  }
  return 'gone'
}

/** False while a projector feeds it. */
const deleteUnlessFed = async (
  { kafka, registry, reports }: DropDeps,
  name: string,
  build: string,
): Promise<boolean> => {
  const data = buildName(name, build)
  const group = `projection.${data}`
  // A check of it that is under way ends with its report.
  await reports.remove(data)
  if ((await countGroupMembers(kafka, group)) > 0) return false
  await deleteGroup(kafka, group)
  await registry.deleteData(name, build)
  return true
}

/** What a lane that began too late may need to hear that, and to stop. */
const FORGET_AFTER_MS = 10 * 60_000
const FINISH_EVERY_MS = 15_000

export type FinishDeps = DropDeps & {
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly everyMs?: number
}

export const finishDrops = async (deps: FinishDeps): Promise<void> => {
  const { logger, signal, everyMs = FINISH_EVERY_MS } = deps
  while (!signal.aborted) {
    await pause(everyMs, signal)
    try {
      if (!signal.aborted) await finishAll(deps)
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'retired builds could not be looked at this time')
    }
  }
}

const finishAll = async (deps: FinishDeps): Promise<void> => {
  for (const { projection, retired } of await deps.registry.all())
    for (const build of retired) await finishOne(deps, projection, build)
}

const finishOne = async (deps: FinishDeps, name: string, build: RetiredBuild): Promise<void> => {
  try {
    const isGone = await deleteUnlessFed(deps, name, build.name)
    if (isGone && Date.now() - build.at.getTime() > FORGET_AFTER_MS)
      await deps.registry.forget(name, build.name)
  } catch (error) {
    const fields = { projection: name, build: build.name, error: messageOf(error) }
    deps.logger.warn(fields, 'a retired build could not be deleted this time')
  }
}
