// The report of a check while it runs. Its place in the store is taken before anything is looked at, so there is one run
// of each kind at a time, whoever asks. From then on it is renewed every second; one that was not renewed belongs to a
// process that is gone, and its place may be taken. A run that has lost its place, or whose build was dropped, ends and
// writes nothing more. A process that stops gives the place back at once.

import type { BuildReport, BuildReports } from '@millrace/mongo'
import { backoffMs, messageOf, pause, type Logger } from '@millrace/runtime'

export type KeptReport = {
  report(): BuildReport
  /** Written with the next beat. */
  change(change: Partial<BuildReport>): void
  /** Aborts when the run has no place any more. */
  readonly signal: AbortSignal
}

export type RunningCheck = {
  /** As it began. */
  readonly report: BuildReport
  /** Its end; undefined when it was broken off. Never rejects. */
  readonly done: Promise<BuildReport | undefined>
}

export type KeepDeps = {
  readonly reports: BuildReports
  readonly logger: Logger
  readonly signal?: AbortSignal | undefined
}

const BEAT_EVERY_MS = 1_000
/** A report that was not renewed for so long is nobody's. */
export const ABANDONED_AFTER_MS = 15_000
/** The store may be away when a check ends: what it has found is worth some patience. */
const TRIES_TO_WRITE = 8
const BACKOFF = { firstMs: 250, maxMs: 5_000 }

export const isAbandoned = ({ state, beatAt }: Pick<BuildReport, 'state' | 'beatAt'>): boolean =>
  state === 'running' && Date.now() - beatAt.getTime() > ABANDONED_AFTER_MS

/** It was found not to be what the other side says, beyond what was declared. */
export const isRefuted = ({ state, unexpected }: Pick<BuildReport, 'state' | 'unexpected'>): boolean =>
  state === 'different' && unexpected > 0

/** Undefined while another run has the place. */
export const beginReport = async (
  deps: KeepDeps,
  started: BuildReport,
  work: (kept: KeptReport) => Promise<void>,
): Promise<RunningCheck | undefined> => {
  const isOurs = await deps.reports.begin(started, new Date(Date.now() - ABANDONED_AFTER_MS))
  return isOurs ? { report: started, done: keep(deps, started, work) } : undefined
}

const keep = async (
  deps: KeepDeps,
  started: BuildReport,
  work: (kept: KeptReport) => Promise<void>,
): Promise<BuildReport | undefined> => {
  const { logger, reports } = deps
  const lost = new AbortController()
  let report = started
  let [beat, isBeating] = [Promise.resolve(), false]
  const write = async (): Promise<void> => {
    isBeating = true
    report = { ...report, beatAt: new Date() }
    // What cannot be written now is written with the next beat.
    if (!(await reports.put(report).catch(() => true))) lost.abort()
    isBeating = false
  }
  const beating = setInterval(() => {
    if (!isBeating) beat = write()
  }, BEAT_EVERY_MS)
  const signal = AbortSignal.any([lost.signal, ...(deps.signal ? [deps.signal] : [])])
  const change = (more: Partial<BuildReport>): void => void (report = { ...report, ...more })
  try {
    await work({ report: () => report, change, signal })
  } catch (error) {
    if (!signal.aborted) {
      logger.error({ build: report.build, error: messageOf(error) }, 'a check could not be finished')
      change({ state: 'failed', error: messageOf(error) })
    }
  } finally {
    clearInterval(beating)
    // A beat that is on its way must not come after the end.
    await beat
  }
  return signal.aborted && report.state === 'running' ? giveUp(deps, report) : finish(deps, report)
}

/** Nobody has to wait until it looks abandoned. */
const giveUp = async ({ reports, logger }: KeepDeps, report: BuildReport): Promise<undefined> => {
  logger.info({ build: report.build, kind: report.kind }, 'a check was broken off')
  await reports.put({ ...report, beatAt: new Date(0) }).catch(() => false)
}

const finish = async (
  { reports, logger, signal }: KeepDeps,
  report: BuildReport,
): Promise<BuildReport | undefined> => {
  const ended = { ...report, endedAt: new Date(), beatAt: new Date() }
  for (let attempt = 1; attempt <= TRIES_TO_WRITE; attempt++) {
    try {
      return (await reports.put(ended)) ? ended : undefined
    } catch (error) {
      logger.warn({ build: report.build, error: messageOf(error) }, 'a report could not be written')
      if (signal?.aborted) return undefined
      await pause(backoffMs(attempt, BACKOFF), signal)
    }
  }
  return undefined
}
