// One look at a build: with the build that readers get, document by document, and with a fold of the log. It runs in
// the background of this process; keep-report.ts keeps how far it is and what it has found in the store, where the
// switch looks it up.

import { randomUUID } from 'node:crypto'
import type { AnyProjection, ProjectionCode } from '@millrace/domain'
import { topics, type Codec } from '@millrace/events'
import {
  buildName,
  type Build,
  type BuildReader,
  type BuildReport,
  type BuildReports,
  type LaneStates,
  type PartitionLog,
  type ReadModelStore,
  type ShardId,
} from '@millrace/mongo'
import {
  buildSource,
  compareSources,
  foldLog,
  type Comparison,
  type FieldDifference,
  type LogFold,
  type Side,
} from '@millrace/projections'
import type { Logger } from '@millrace/runtime'
import { planBuckets, type Bucket, type KeysToCheck } from './buckets.ts'
import { explainDrift } from './explain-drift.ts'
import { beginReport, type KeptReport, type RunningCheck } from './keep-report.ts'
import { isExpectedIn, summarise, type Expected, type Found } from './summarise.ts'

export type CheckDeps = {
  readonly reader: ReadModelStore['reader']
  readonly code: ProjectionCode
  readonly codec: Codec
  readonly log: PartitionLog
  readonly lanes: Pick<LaneStates, 'counts'>
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

/** Whether the store keeps all that a projection is made from: telemetry goes by. */
export const isInStore = ({ sources }: AnyProjection): boolean =>
  sources.every((topic) => topics[topic].kind === 'events')

export const shardsOf = ({ sources }: AnyProjection): ShardId[] =>
  sources.flatMap((topic) =>
    Array.from({ length: topics[topic].partitions }, (_, partition) => ({ topic, partition })),
  )

const readerOf = ({ reader }: CheckDeps, projection: AnyProjection, build: string): BuildReader =>
  reader({ build, isGrouped: projection.kind === 'grouped', topic: projection.sources[0] })

/** Begins a check that goes on by itself; undefined while another one of the same kind is under way. */
export const beginCheck = async (deps: CheckDeps, order: CheckOrder): Promise<RunningCheck | undefined> => {
  const { projection: name, build, against, kind, signal } = order
  const started: BuildReport = {
    build: buildName(name, build.name),
    kind,
    run: randomUUID(),
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
    parked: 0,
    byField: [],
    samples: [],
    logShare: null,
    error: null,
  }
  return beginReport({ ...deps, signal }, started, (kept) => check({ deps, order, kept }))
}

type Checking = { readonly deps: CheckDeps; readonly order: CheckOrder; readonly kept: KeptReport }

const check = async (checking: Checking): Promise<void> => {
  const { deps, order, kept } = checking
  const { code } = deps
  const { projection: name, build, against, expected, keys } = order
  const projection = required(code, name, build)
  const reader = readerOf(deps, projection, buildName(name, build.name))
  const { documents, bytes } = await reader.extent()
  const side = sideOf(checking, { projection, reader })
  const buckets = isInStore(projection) ? planBuckets(bytes, keys) : []
  kept.change({
    total: (against ? documents : 0) + documentsIn(buckets, documents),
    logShare: shareOf(buckets, keys),
  })
  const found: Found[] = []
  if (against) {
    const old = required(code, name, against)
    const other = sideOf(checking, {
      projection: old,
      reader: readerOf(deps, old, buildName(name, against.name)),
    })
    const isExpected = (difference: FieldDifference): boolean => isExpectedIn(expected, difference)
    const comparison = await compareSources(side, other, { ...watched(checking), isExpected })
    found.push({ comparison, against: 'build' })
  }
  for (const bucket of buckets) {
    const comparison = await compareWithLog(checking, { side, reader, bucket })
    found.push({ comparison, against: 'log' })
  }
  const summary = summarise(found, expected)
  const samples = await explainDrift(summary.samples, async (wants, onChange) => {
    await upToBuild(logOf(checking, { projection, reader, wants, onChange }), reader)
  })
  const { parked } = await deps.lanes.counts(buildName(name, build.name))
  kept.change({ ...summary, samples, parked })
}

/** About: the buckets that are looked at of all that there are. */
const documentsIn = (buckets: readonly Bucket[], documents: number): number =>
  Math.round((documents * buckets.length) / (buckets[0]?.of ?? 1))

const shareOf = ([first]: readonly Bucket[], keys: KeysToCheck): string | null => {
  if (!first) return null
  return keys === 'all' ? 'all' : `1/${first.of}`
}

const required = (code: ProjectionCode, name: string, build: Build): AnyProjection => {
  const projection = code.version(name, build.version)
  if (projection) return projection
  throw new Error(`this code does not have ${name} ${build.version}: run the one that has`)
}

const watched = ({ kept }: Checking) => {
  const before = kept.report().compared
  return {
    onProgress: (compared: number) => kept.change({ compared: before + compared }),
    signal: kept.signal,
  }
}

type Made = { readonly projection: AnyProjection; readonly reader: BuildReader }

const makingOf = ({ deps: { log, codec } }: Checking, projection: AnyProjection) => ({
  ...{ log, codec, projection },
  shards: shardsOf(projection),
})

const sideOf = (checking: Checking, { projection, reader }: Made): Side => {
  const onProgress = (): void => checking.kept.signal.throwIfAborted()
  const making = { ...makingOf(checking, projection), onProgress }
  return { projection, source: buildSource(reader, isInStore(projection) ? making : null) }
}

type WithLog = { readonly side: Side; readonly reader: BuildReader; readonly bucket: Bucket }

const compareWithLog = async (checking: Checking, { side, reader, bucket }: WithLog): Promise<Comparison> => {
  const { projection } = side
  const fold = logOf(checking, { projection, reader, wants: bucket.has })
  await upToBuild(fold, reader)
  const options = { ...watched(checking), wants: bucket.has }
  return compareSources(side, { source: fold, projection }, options)
}

const upToBuild = async (fold: LogFold, reader: BuildReader): Promise<void> =>
  fold.advance((await reader.read([])).reached)

type FoldOrder = Made & {
  readonly wants: (key: string) => boolean
  readonly onChange?: Parameters<typeof foldLog>[0]['onChange']
}

const logOf = (checking: Checking, { projection, reader, wants, onChange }: FoldOrder): LogFold => {
  const { kept } = checking
  const before = kept.report().events
  return foldLog({
    ...makingOf(checking, projection),
    wants,
    parked: reader.parked,
    onProgress: (events) => {
      kept.signal.throwIfAborted()
      kept.change({ events: before + events })
    },
    ...(onChange ? { onChange } : {}),
  })
}
