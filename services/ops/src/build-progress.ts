import type { AnyProjection } from '@millrace/domain'
import { topics, type TopicName } from '@millrace/events'
import { fetchEndOffsetsOf, type KafkaConnection, type PartitionOffsets } from '@millrace/kafka'
import { buildName, type Build, type LaneStates } from '@millrace/mongo'

/** How far one partition of a build is. */
export type PartitionProgress = {
  readonly topic: string
  readonly partition: number
  readonly nextOffset: number
  readonly endOffset: number
  readonly stopped: string | null
}

export type BuildProgress = {
  readonly applied: number
  readonly total: number
  readonly remaining: number
  /** Records a second since the last look, or since the start; null before there is anything to go by. */
  readonly rate: number | null
  readonly etaSeconds: number | null
  readonly parked: number
  readonly late: number
  readonly partitions: readonly PartitionProgress[]
}

export type ProgressDeps = { readonly kafka: KafkaConnection; readonly lanes: LaneStates }

export type ProgressOf = (
  projection: AnyProjection,
  builds: readonly Build[],
) => Promise<ReadonlyMap<string, BuildProgress>>

type Seen = { readonly atMs: number; readonly applied: number }

/** Between two looks that tell a rate. */
const MIN_INTERVAL_MS = 500

export const makeProgressOf = ({ kafka, lanes }: ProgressDeps): ProgressOf => {
  const seen = new Map<string, Seen>()
  const rateOf = (build: string, now: Seen, startedAt: Date): number | null => {
    const before = seen.get(build)
    if (!before || now.atMs - before.atMs >= MIN_INTERVAL_MS) seen.set(build, now)
    const from = before ?? { atMs: startedAt.getTime(), applied: 0 }
    const seconds = (now.atMs - from.atMs) / 1000
    return seconds > 0 && now.applied >= from.applied ? (now.applied - from.applied) / seconds : null
  }
  return async (projection, builds) => {
    const ends = await fetchEndOffsetsOf(kafka, projection.sources)
    const progress = await Promise.all(
      builds.map(async (build): Promise<[string, BuildProgress]> => {
        const name = buildName(projection.name, build.name)
        const partitions = await partitionsOf(lanes, name, { projection, ends })
        const applied = partitions.reduce((sum, { nextOffset }) => sum + nextOffset, 0)
        const total = partitions.reduce((sum, { endOffset }) => sum + endOffset, 0)
        const remaining = partitions.reduce(
          (sum, { nextOffset, endOffset }) => sum + Math.max(0, endOffset - nextOffset),
          0,
        )
        const rate = rateOf(name, { atMs: Date.now(), applied }, build.startedAt)
        const etaSeconds = rate !== null && rate > 0 ? Math.ceil(remaining / rate) : null
        const counts = await lanes.counts(name)
        return [build.name, { applied, total, remaining, rate, etaSeconds, ...counts, partitions }]
      }),
    )
    return new Map(progress)
  }
}

type Sources = {
  readonly projection: AnyProjection
  readonly ends: ReadonlyMap<string, PartitionOffsets>
}

const partitionsOf = async (
  lanes: LaneStates,
  build: string,
  { projection, ends }: Sources,
): Promise<PartitionProgress[]> => {
  const checkpoints = await lanes.checkpoints(build)
  const partitionsOfTopic = (topic: TopicName): PartitionProgress[] =>
    Array.from({ length: topics[topic].partitions }, (_, partition) => {
      const at = checkpoints.find(({ id }) => id.topic === topic && id.partition === partition)
      return {
        topic,
        partition,
        nextOffset: at?.nextOffset ?? 0,
        endOffset: Number(ends.get(topic)?.get(partition) ?? 0n),
        stopped: at?.stopped?.reason ?? null,
      }
    })
  return projection.sources.flatMap(partitionsOfTopic)
}
