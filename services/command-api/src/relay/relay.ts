import { makePartitionProducer, type KafkaConnection } from '@millrace/kafka'
import { topics } from '@millrace/events'
import type { ShardId } from '@millrace/mongo'
import { startShard, type Shard, type ShardDeps } from './shard.ts'

export type Relay = {
  wake(topic: string, partition: number): void
  stop(): Promise<void>
}

const nameOf = ({ topic, partition }: ShardId): string => `${topic}:${partition}`

/** One per partition of every event topic. */
export const eventShards = (): ShardId[] =>
  Object.values(topics)
    .filter((spec) => spec.kind === 'events')
    .flatMap((spec) =>
      Array.from({ length: spec.partitions }, (_, partition) => ({ topic: spec.name, partition })),
    )

/** All shards of all event topics; those whose lease another replica holds wait for it. */
export const startRelay = (deps: Omit<ShardDeps, 'makeProducer'>, kafka: KafkaConnection): Relay => {
  const makeProducer = (shard: ShardId) => makePartitionProducer(kafka, shard)
  const shards = new Map<string, Shard>(
    eventShards().map((shard) => [nameOf(shard), startShard({ ...deps, makeProducer }, shard)]),
  )
  return {
    wake: (topic, partition) => shards.get(nameOf({ topic, partition }))?.wake(),
    stop: async () => {
      await Promise.all([...shards.values()].map((shard) => shard.stop()))
    },
  }
}
