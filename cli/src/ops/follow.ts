// What ops began goes on without us: these look at the state until it is over. Whoever stops looking stops nothing.

import { pause } from '@millrace/runtime'
import { CommandError } from '../exit-codes.ts'
import { progressText } from './describe-projection.ts'
import type { OpsClient } from './ops-client.ts'
import type { Build, Projection, Report, ReportKind } from './ops-views.ts'
import { showProgress, type ShownProgress } from '../show-progress.ts'
import { count, plural } from '../words.ts'

export type FollowDeps = {
  readonly client: OpsClient
  readonly signal: AbortSignal
  readonly say: (line: string) => void
  readonly everyMs?: number
}

export type BuildToFollow = { readonly name: string; readonly build: string }

const LOOK_EVERY_MS = 500

/** Looks until `seen` gives something. */
export const lookUntil = async <T>(
  { client, signal, everyMs = LOOK_EVERY_MS }: FollowDeps,
  { name, build }: BuildToFollow,
  seen: (build: Build, projection: Projection) => T | undefined,
): Promise<T> => {
  for (;;) {
    signal.throwIfAborted()
    const projection = await client.stateInTime(name)
    const found = projection.builds.find((one) => one.name === build)
    if (!found) throw new CommandError(`${name} ${build} is gone: somebody has dropped it`)
    const result = seen(found, projection)
    if (result !== undefined) return result
    await pause(everyMs, signal)
  }
}

/** Until it is at the end of the log. */
export const followBuild = async (deps: FollowDeps, followed: BuildToFollow): Promise<Build> => {
  const label = `${followed.name} ${followed.build}`
  const shown = showProgress(label)
  const sayPaused = once(() =>
    deps.say(`${followed.name} is paused: \`millrace projections resume ${followed.name}\` goes on`),
  )
  try {
    return await lookUntil(deps, followed, (build, { isPaused }) => {
      if (isPaused) sayPaused()
      return isBuilt(build, label, shown) ? build : undefined
    })
  } finally {
    shown.stop()
  }
}

export const isBuilt = ({ progress }: Build, label: string, shown: ShownProgress): boolean => {
  if (!progress) return false
  const stopped = progress.partitions.find((one) => one.stopped !== null)
  if (stopped)
    throw new CommandError(
      `${label} has stopped at offset ${stopped.nextOffset} of partition ${stopped.partition} of ${stopped.topic}: ${stopped.stopped}`,
    )
  shown.show(progress.applied, progress.total, progressText(progress))
  return progress.isCaughtUp
}

/** Until it has ended. Throws for one that was broken off. */
export const followReport = async (
  deps: FollowDeps,
  { kind, ...followed }: BuildToFollow & { readonly kind: ReportKind },
): Promise<Report> => {
  const shown = showProgress(`${kind} of ${followed.name} ${followed.build}`)
  try {
    return await lookUntil(deps, followed, (build) => endOf(build[kind], shown))
  } finally {
    shown.stop()
  }
}

const endOf = (report: Report | null, shown: ShownProgress): Report | undefined => {
  if (!report) throw new CommandError('ops has forgotten what it began: run it again')
  if (report.state === 'abandoned')
    throw new CommandError('it was broken off, for ops was stopped: run it again')
  if (report.state !== 'running') return report
  showReport(report, shown)
  return undefined
}

export const showReport = ({ compared, total, events }: Report, shown: ShownProgress): void =>
  shown.show(
    compared,
    total,
    `${count(compared)} of ${plural(total, 'document')}, ${plural(events, 'event')} folded`,
  )

const once = (act: () => void): (() => void) => {
  let isDone = false
  return () => {
    if (!isDone) act()
    isDone = true
  }
}
