// One look at a build: with the build that readers get, document by document, and with a fold of the log. It runs in
// the background of this process and writes how far it is every second; what it has found stays in the store, where
// the switch looks it up. A running report that nobody has renewed belongs to a process that is gone.

import type { AnyProjection, ProjectionCode } from '@millrace/domain'
import { isTopicName, topics, type Codec } from '@millrace/events'
import {
  buildName,
  mongoBuildReader,
  type Build,
  type BuildReader,
  type BuildReport,
  type BuildReports,
  type MongoConnection,
  type PartitionLog,
  type ShardId,
} from '@millrace/mongo'
import {
  compareSources,
  foldLog,
  type Comparison,
  type FieldDifference,
  type LogFold,
  type Side,
} from '@millrace/projections'
import { messageOf, type Logger } from '@millrace/runtime'
import { planBuckets, type Bucket, type KeysToCheck } from './buckets.ts'
import { explainDrift } from './explain-drift.ts'
import { isExpectedIn, summarise, type Expected } from './summarise.ts'

export type CheckDeps = {
  readonly mongo: MongoConnection
  readonly code: ProjectionCode
  readonly codec: Codec
  readonly log: PartitionLog
  readonly reports: BuildReports
  readonly logger: Logger
}

export type CheckOrder = {
  readonly projection: string
  readonly build: Build
  /** The build to compare with; the log alone when null. */
  readonly against: Build | null
  readonly expected: Expected
  readonly kind: BuildReport['kind']
  /** Of the log: all keys, or one bucket of them. */
  readonly keys: KeysToCheck
  readonly signal?: AbortSignal
}

const BEAT_EVERY_MS = 1_000
/** A report that was not renewed for so long is nobody's. */
export const ABANDONED_AFTER_MS = 15_000

type Running = { report: BuildReport; readonly deps: CheckDeps; lastBeatMs: number }

/** Whether the store keeps all that a projection is made from: telemetry goes by. */
export const isInStore = ({ sources }: AnyProjection): boolean =>
  sources.every((topic) => topics[topic].kind === 'events')

export const shardsOf = ({ sources }: AnyProjection): ShardId[] =>
  sources.flatMap((topic) =>
    Array.from({ length: topics[topic].partitions }, (_, partition) => ({ topic, partition })),
  )

const readerOf = (mongo: MongoConnection, projection: AnyProjection, build: string): BuildReader =>
  mongoBuildReader(mongo, { build, isGrouped: projection.kind === 'grouped', topic: projection.sources[0] })

/** A build as it is in the store: nothing but the projector moves it. */
const sideOf = (reader: BuildReader, projection: AnyProjection): Side => ({
  projection,
  source: { keys: reader.keys, read: reader.read, advance: async () => undefined },
})

export const runCheck = async (deps: CheckDeps, order: CheckOrder): Promise<BuildReport> => {
  const { projection: name, build, against, kind } = order
  const started: BuildReport = {
    build: buildName(name, build.name),
    kind,
    against: against ? buildName(name, against.name) : 'log',
    state: 'running',
    startedAt: new Date(),
    beatAt: new Date(),
    endedAt: null,
    compared: 0,
    total: 0,
    events: 0,
    different: 0,
    unexpected: 0,
    unsettled: 0,
    isCutShort: false,
    byField: [],
    samples: [],
    logShare: null,
    error: null,
  }
  const running: Running = { report: started, deps, lastBeatMs: 0 }
  try {
    await beat(running, {})
    await check(running, order)
  } catch (error) {
    deps.logger.error({ build: started.build, error: messageOf(error) }, 'a check could not be finished')
    running.report = { ...running.report, state: 'failed', error: messageOf(error) }
  }
  running.report = { ...running.report, endedAt: new Date(), beatAt: new Date() }
  await deps.reports.put(running.report)
  return running.report
}

const beat = async (running: Running, change: Partial<BuildReport>): Promise<void> => {
  running.report = { ...running.report, ...change, beatAt: new Date() }
  running.lastBeatMs = performance.now()
  await running.deps.reports.put(running.report)
}

/** Shows progress at most every second; a report that cannot be written now is written the next time. */
const progress = (running: Running, change: Partial<BuildReport>): void => {
  running.report = { ...running.report, ...change }
  if (performance.now() < running.lastBeatMs + BEAT_EVERY_MS) return
  running.lastBeatMs = performance.now()
  beat(running, {}).catch(() => undefined)
}

const check = async (running: Running, order: CheckOrder): Promise<void> => {
  const { mongo, code } = running.deps
  const { projection: name, build, against, expected, keys } = order
  const projection = required(code, name, build)
  const reader = readerOf(mongo, projection, buildName(name, build.name))
  const { documents, bytes } = await reader.extent()
  const side = sideOf(reader, projection)
  const buckets = isInStore(projection) ? planBuckets(bytes, keys) : []
  const logShare = shareOf(buckets, keys)
  await beat(running, { total: documents * (against ? 2 : 1), logShare })
  const found: { comparison: Comparison; against: 'build' | 'log' }[] = []
  if (against) {
    const old = required(code, name, against)
    const other = sideOf(readerOf(mongo, old, buildName(name, against.name)), old)
    const isExpected = (difference: FieldDifference): boolean => isExpectedIn(expected, difference)
    const comparison = await compareSources(side, other, { ...watched(running, order), isExpected })
    found.push({ comparison, against: 'build' })
  }
  for (const bucket of buckets) {
    const comparison = await compareWithLog(running, order, { side, reader, bucket })
    found.push({ comparison, against: 'log' })
  }
  const summary = summarise(found, expected)
  const samples = await explainDrift(summary.samples, (wants, onChange) =>
    logOf(running, { projection, reader, wants, onChange }),
  )
  running.report = { ...running.report, ...summary, samples }
}

const shareOf = ([first]: readonly Bucket[], keys: KeysToCheck): string | null => {
  if (!first) return null
  return keys === 'all' ? 'all' : `1/${first.of}`
}

const required = (code: ProjectionCode, name: string, build: Build): AnyProjection => {
  const projection = code.version(name, build.version)
  if (projection) return projection
  throw new Error(`this code does not have ${name} ${build.version}: run the one that has`)
}

const watched = (running: Running, { signal }: CheckOrder) => {
  const before = running.report.compared
  return {
    onProgress: (compared: number) => progress(running, { compared: before + compared }),
    ...(signal ? { signal } : {}),
  }
}

type WithLog = { readonly side: Side; readonly reader: BuildReader; readonly bucket: Bucket }

const compareWithLog = async (
  running: Running,
  order: CheckOrder,
  { side, reader, bucket }: WithLog,
): Promise<Comparison> => {
  const { projection } = side
  const fold = logOf(running, { projection, reader, wants: bucket.has })
  await fold.advance()
  const options = { ...watched(running, order), wants: bucket.has }
  return compareSources(side, { source: fold, projection }, options)
}

type FoldOrder = {
  readonly projection: AnyProjection
  readonly reader: BuildReader
  readonly wants: (key: string) => boolean
  readonly onChange?: Parameters<typeof foldLog>[0]['onChange']
}

const logOf = (running: Running, { projection, reader, wants, onChange }: FoldOrder): LogFold => {
  const before = running.report.events
  return foldLog({
    log: running.deps.log,
    codec: running.deps.codec,
    projection,
    shards: shardsOf(projection).filter(({ topic }) => isTopicName(topic)),
    wants,
    parked: reader.parked,
    onProgress: (events) => progress(running, { events: before + events }),
    ...(onChange ? { onChange } : {}),
  })
}
