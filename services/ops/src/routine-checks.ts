// The proof that goes on: again and again one bucket of the keys of each read model is folded from the log and compared
// with what readers get. What differs is logged, counted and kept in the build's report, with the document, the field
// and the event.

import { randomInt } from 'node:crypto'
import type { ProjectionCode } from '@millrace/domain'
import type { BuildRegistry, BuildReport, Builds } from '@millrace/mongo'
import { messageOf, pause, type Logger, type Metrics } from '@millrace/runtime'
import { isInStore, type CheckOrder } from './build-check.ts'
import { nothingExpected } from './summarise.ts'

export type RoutineDeps = {
  readonly registry: BuildRegistry
  readonly code: ProjectionCode
  /** Undefined while another ops does it. */
  readonly check: (order: CheckOrder) => Promise<BuildReport | undefined>
  readonly everyMs: number
  readonly logger: Logger
  readonly metrics: CheckMetrics
  readonly signal: AbortSignal
}

export type CheckMetrics = {
  readonly checks: ReturnType<Metrics['counter']>
  readonly drifted: ReturnType<Metrics['gauge']>
}

export const checkMetrics = (metrics: Metrics): CheckMetrics => ({
  checks: metrics.counter('millrace_projection_checks_total', 'Checks of read models against the log', [
    'projection',
    'result',
  ]),
  drifted: metrics.gauge(
    'millrace_projection_drifted_documents',
    'Documents that are not what the log says, in the last check',
    ['projection'],
  ),
})

/** A check rests nine times as long as it took: a tenth of a core at most. */
const REST = 9
const MAX_ROUND = 1_000_000

export const checkRoutinely = async (deps: RoutineDeps): Promise<void> => {
  const { everyMs, signal } = deps
  if (everyMs === 0) return
  // Whoever is started often gets round, too.
  for (let round = randomInt(MAX_ROUND); !signal.aborted; round++) {
    await pause(everyMs, signal)
    const startedAt = performance.now()
    await checkAll(deps, round)
    await pause((performance.now() - startedAt) * REST, signal)
  }
}

const checkAll = async (deps: RoutineDeps, round: number): Promise<void> => {
  try {
    for (const builds of await deps.registry.all()) {
      if (deps.signal.aborted) return
      await checkServed(deps, builds, round)
    }
  } catch (error) {
    deps.logger.warn({ error: messageOf(error) }, 'read models could not be checked this time')
  }
}

const checkServed = async (
  { code, check, logger, metrics, signal }: RoutineDeps,
  { projection: name, served, builds, isPaused }: Builds,
  round: number,
): Promise<void> => {
  const build = builds.find((one) => one.name === served)
  const projection = build && code.version(name, build.version)
  if (!projection || isPaused || !isInStore(projection)) return
  const report = await check({
    projection: name,
    build,
    against: null,
    kind: 'check',
    expected: nothingExpected,
    keys: { bucket: round },
    signal,
  })
  if (!report) return
  const result = resultOf(report)
  metrics.checks.inc({ projection: name, result })
  // What could not be checked says nothing new.
  if (report.state !== 'failed') metrics.drifted.set({ projection: name }, report.different)
  if (result === 'different') tell(logger, { name, report })
  if (result === 'unsettled')
    logger.info(
      { projection: name, build: served, documents: report.unsettled },
      'documents of a read model could not be checked this time',
    )
}

/** A projector that is late or restarting is no drift. */
const resultOf = ({ state, different }: BuildReport): string =>
  state === 'different' && different === 0 ? 'unsettled' : state

const tell = (logger: Logger, { name, report }: { name: string; report: BuildReport }): void => {
  const { build, different: documents, unsettled, samples } = report
  const [{ key, field, event } = {}] = samples
  logger.error(
    { projection: name, build, documents, unsettled, key, field, event },
    'a read model is not what the log says',
  )
}
