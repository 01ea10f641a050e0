// A reset is a build that is to be served: when it has caught up it is compared with the log, all keys, and served if it
// is equal. The wish is kept with the build, so it outlives this process, and so does what was found of it: whichever
// process comes next goes on. A build that was found different waits for an operator; a check that failed says nothing
// of the build, and is made again.

import type { ProjectionCode } from '@millrace/domain'
import {
  buildName,
  type Build,
  type BuildRegistry,
  type BuildReport,
  type BuildReports,
} from '@millrace/mongo'
import { messageOf, pause, type Logger } from '@millrace/runtime'
import { isInStore, type CheckOrder } from './build-check.ts'
import { stoppedIn, type ProgressOf } from './build-progress.ts'
import { inRole } from './find-build.ts'
import { isRefuted } from './keep-report.ts'
import { nothingExpected } from './summarise.ts'

export type ResetDeps = {
  readonly registry: BuildRegistry
  readonly reports: BuildReports
  readonly code: ProjectionCode
  readonly progressOf: ProgressOf
  /** Undefined while another one is under way, and when it was broken off. */
  readonly check: (order: CheckOrder) => Promise<BuildReport | undefined>
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly lookEveryMs?: number
}

const LOOK_EVERY_MS = 1_000
/** After a check that failed. */
const AGAIN_AFTER_MS = 30_000

export const serveResets = async (deps: ResetDeps): Promise<void> => {
  const { signal, lookEveryMs = LOOK_EVERY_MS } = deps
  while (!signal.aborted) {
    await pause(lookEveryMs, signal)
    try {
      await lookAtAll(deps)
    } catch (error) {
      deps.logger.warn({ error: messageOf(error) }, 'resets could not be looked at this time')
    }
  }
}

const lookAtAll = async (deps: ResetDeps): Promise<void> => {
  for (const builds of await deps.registry.all()) {
    if (builds.isPaused) continue
    const next = inRole(builds, 'next')
    if (next?.isToBeServed && !deps.signal.aborted) await serveIfEqual(deps, builds.projection, next)
  }
}

const serveIfEqual = async (deps: ResetDeps, name: string, build: Build): Promise<void> => {
  const { registry, code, progressOf, logger } = deps
  const projection = code.version(name, build.version)
  if (!projection) return
  const progress = (await progressOf(projection, [build])).get(build.name)
  if (!progress?.isCaughtUp || stoppedIn(progress)) return
  if (isInStore(projection) && !(await isEqual(deps, name, build))) return
  await registry.switchTo(name, build.name)
  logger.info({ projection: name, build: build.name }, 'the reset build is served')
}

const isEqual = async (
  { reports, check, logger, signal }: ResetDeps,
  name: string,
  build: Build,
): Promise<boolean> => {
  const known = await reports.get(buildName(name, build.name), 'verification')
  if (known?.endedAt && !isToBeRepeated(known)) return known.state === 'equal'
  const order = { projection: name, build, against: null, expected: nothingExpected, signal }
  const report = await check({ ...order, kind: 'verification', keys: 'all' })
  if (report && isRefuted(report))
    logger.error({ projection: name, build: build.name }, 'the reset build is not what the log says')
  return report?.state === 'equal'
}

/** It says nothing of the build: it failed, or documents could not be compared. */
const isToBeRepeated = ({ state, unexpected, endedAt }: BuildReport): boolean =>
  (state === 'failed' || (state === 'different' && unexpected === 0)) &&
  Date.now() - (endedAt?.getTime() ?? 0) > AGAIN_AFTER_MS
