import type { AnyProjection } from '@millrace/domain'
import { topics, type TopicName } from '@millrace/events'
import {
  fetchEndOffsetsOf,
  lookAhead,
  type KafkaConnection,
  type PartitionOffsets,
  type Waiting,
} from '@millrace/kafka'
import { buildName, type Build, type LaneState, type LaneStates } from '@millrace/mongo'

/** How far one partition of a build is. */
export type PartitionProgress = {
  readonly topic: string
  readonly partition: number
  readonly nextOffset: number
  readonly endOffset: number
  /** Of a compacted topic: what there is between the two. Null elsewhere, where every offset is a record. */
  readonly waiting: Waiting | null
  readonly stopped: string | null
}

export type BuildProgress = {
  readonly applied: number
  readonly total: number
  /** Records that exist: of compacted topics those that are left, up to 10,000; beyond that, offsets. */
  readonly remaining: number
  /** Age of the oldest record of a compacted topic that is not applied yet; null where none waits, or none is compacted. */
  readonly lagSeconds: number | null
  /** At the end of the log, but for what comes in at the moment. */
  readonly isCaughtUp: boolean
  /** Records a second since the last look, or since the start; null before there is anything to go by. */
  readonly rate: number | null
  readonly etaSeconds: number | null
  readonly parked: number
  readonly late: number
  readonly partitions: readonly PartitionProgress[]
}

export const stoppedIn = ({ partitions }: BuildProgress): PartitionProgress | undefined =>
  partitions.find(({ stopped }) => stopped !== null)

export type ProgressDeps = { readonly kafka: KafkaConnection; readonly lanes: LaneStates }

export type ProgressOf = (
  projection: AnyProjection,
  builds: readonly Build[],
) => Promise<ReadonlyMap<string, BuildProgress>>

/** A build may be so many records behind and count as being at the end: the log does not stand still. */
export const CAUGHT_UP = 1_000

type Look = { readonly atMs: number; readonly applied: number }

/** Between two looks that tell a rate: two who look at the same time see the same. */
const MIN_INTERVAL_MS = 500
/** Beyond it nobody plans. */
const MAX_ETA_SECONDS = 365 * 24 * 60 * 60

export const makeRates = () => {
  const looks = new Map<string, { readonly last: Look; readonly before: Look }>()
  return (build: string, now: Look, startedAt: Date): number | null => {
    const start = { atMs: startedAt.getTime(), applied: 0 }
    const { last, before } = looks.get(build) ?? { last: start, before: start }
    const isLook = now.atMs - last.atMs >= MIN_INTERVAL_MS
    const from = isLook ? last : before
    if (isLook) looks.set(build, { last: now, before: last })
    const seconds = (now.atMs - from.atMs) / 1000
    return seconds > 0 && now.applied >= from.applied ? (now.applied - from.applied) / seconds : null
  }
}

export const etaOf = (remaining: number, rate: number | null): number | null => {
  if (remaining === 0) return 0
  if (rate === null || rate <= 0) return null
  const seconds = Math.ceil(remaining / rate)
  return seconds > MAX_ETA_SECONDS ? null : seconds
}

export const makeProgressOf = ({ kafka, lanes }: ProgressDeps): ProgressOf => {
  const rateOf = makeRates()
  return async (projection, builds) => {
    const ends = await fetchEndOffsetsOf(kafka, projection.sources)
    const progress = await Promise.all(
      builds.map(async (build): Promise<[string, BuildProgress]> => {
        const name = buildName(projection.name, build.name)
        const checkpoints = await lanes.checkpoints(name)
        const partitions = await Promise.all(
          partitionsOf(projection, ends, checkpoints).map((partition) => withWaiting(kafka, partition)),
        )
        const sums = sumUp(partitions)
        const hasBegun = checkpoints.length >= partitions.length
        const isCaughtUp = hasBegun && sums.remaining <= CAUGHT_UP
        const rate = rateOf(name, { atMs: Date.now(), applied: sums.applied }, build.startedAt)
        const etaSeconds = etaOf(sums.remaining, rate)
        const counts = await lanes.counts(name)
        return [build.name, { ...sums, isCaughtUp, rate, etaSeconds, ...counts, partitions }]
      }),
    )
    return new Map(progress)
  }
}

const sumUp = (
  partitions: readonly PartitionProgress[],
): Pick<BuildProgress, 'applied' | 'total' | 'remaining' | 'lagSeconds'> => {
  const sum = (count: (partition: PartitionProgress) => number): number =>
    partitions.reduce((total, partition) => total + count(partition), 0)
  const applied = sum(({ nextOffset }) => nextOffset)
  const remaining = sum(remainingIn)
  const since = partitions.flatMap(({ waiting }) => waiting?.sinceMs ?? [])
  const lagSeconds = since.length > 0 ? Math.max(0, Date.now() - Math.min(...since)) / 1000 : null
  return { applied, remaining, total: applied + remaining, lagSeconds }
}

/** More than that is not counted. */
const MOST_COUNTED = 10_000

const remainingIn = ({ nextOffset, endOffset, waiting }: PartitionProgress): number =>
  waiting && waiting.records < MOST_COUNTED ? waiting.records : Math.max(0, endOffset - nextOffset)

const withWaiting = async (
  kafka: KafkaConnection,
  partition: PartitionProgress & { readonly topic: TopicName },
): Promise<PartitionProgress> => {
  const { topic, partition: number, nextOffset, endOffset } = partition
  if (topics[topic].retention.type !== 'compact') return partition
  if (nextOffset >= endOffset) return { ...partition, waiting: { records: 0, sinceMs: null } }
  const range = { topic, partition: number, from: BigInt(nextOffset), to: BigInt(endOffset) }
  return { ...partition, waiting: await lookAhead(kafka, range, MOST_COUNTED) }
}

const partitionsOf = (
  { sources }: AnyProjection,
  ends: ReadonlyMap<string, PartitionOffsets>,
  checkpoints: readonly LaneState[],
): (PartitionProgress & { readonly topic: TopicName })[] =>
  sources.flatMap((topic: TopicName) =>
    Array.from({ length: topics[topic].partitions }, (_, partition) => {
      const at = checkpoints.find(({ id }) => id.topic === topic && id.partition === partition)
      return {
        topic,
        partition,
        nextOffset: at?.nextOffset ?? 0,
        endOffset: Number(ends.get(topic)?.get(partition) ?? 0n),
        waiting: null,
        stopped: at?.stopped?.reason ?? null,
      }
    }),
  )
