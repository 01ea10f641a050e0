// A reset is a build that is to be served: when it has caught up it is compared with the log, all keys, and served if it
// is equal. The wish is kept with the build, so it outlives this process; a build that was found different waits for
// an operator.

import type { ProjectionCode } from '@millrace/domain'
import {
  buildName,
  type Build,
  type BuildRegistry,
  type BuildReport,
  type BuildReports,
  type Builds,
} from '@millrace/mongo'
import { messageOf, pause, type Logger } from '@millrace/runtime'
import { isInStore, type CheckOrder } from './build-check.ts'
import type { ProgressOf } from './build-progress.ts'
import { CAUGHT_UP } from './operations.ts'
import { nothingExpected } from './summarise.ts'

export type ResetDeps = {
  readonly registry: BuildRegistry
  readonly reports: BuildReports
  readonly code: ProjectionCode
  readonly progressOf: ProgressOf
  readonly check: (order: CheckOrder) => Promise<BuildReport>
  readonly logger: Logger
  readonly signal: AbortSignal
}

const LOOK_EVERY_MS = 1_000

export const serveResets = async (deps: ResetDeps): Promise<void> => {
  while (!deps.signal.aborted) {
    await pause(LOOK_EVERY_MS, deps.signal)
    try {
      for (const builds of await deps.registry.all()) await look(deps, builds)
    } catch (error) {
      deps.logger.warn({ error: messageOf(error) }, 'resets could not be looked at this time')
    }
  }
}

const look = async (deps: ResetDeps, { projection, served, previous, builds }: Builds): Promise<void> => {
  const next = builds.find(({ name }) => name !== served && name !== previous)
  if (next?.isToBeServed && !deps.signal.aborted) await serveIfEqual(deps, projection, next)
}

const serveIfEqual = async (
  { registry, reports, code, progressOf, check, logger, signal }: ResetDeps,
  name: string,
  build: Build,
): Promise<void> => {
  const projection = code.version(name, build.version)
  if (!projection) return
  const known = await reports.get(buildName(name, build.name), 'verification')
  if (known?.endedAt) return
  const progress = (await progressOf(projection, [build])).get(build.name)
  if (!progress || progress.total === 0 || progress.remaining > CAUGHT_UP) return
  if (isInStore(projection)) {
    const report = await check({
      ...{ projection: name, build, against: null, kind: 'verification' },
      ...{ expected: nothingExpected, keys: 'all', signal },
    })
    if (report.state !== 'equal')
      return logger.error({ projection: name, build: build.name }, 'the reset build is not what the log says')
  }
  await registry.switchTo(name, build.name)
  logger.info({ projection: name, build: build.name }, 'the reset build is served')
}
