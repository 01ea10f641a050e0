import { randomUUID } from 'node:crypto'
import { findProjection, type AnyProjection } from '@millrace/domain'
import { connectCodec, type Codec } from '@millrace/events'
import { connectKafka, type KafkaConnection, type PartitionConsumer } from '@millrace/kafka'
import {
  connectMongo,
  ensureReadModelIndexes,
  mongoPartitionKeys,
  mongoProjectionStore,
  type CheckpointId,
  type CommitBatch,
  type MongoConnection,
  type ProjectionStore,
} from '@millrace/mongo'
import { createMetrics, silentLogger } from '@millrace/runtime'
import { projectionMetrics, runProjection } from '../services/projector/src/run-projection.ts'
import type { Feed } from '../services/projector/src/feed-builds.ts'
import { connectBareMongo, type BareMongo } from './bare-commits.ts'
import type { BenchServers } from './servers.ts'

/** What a projector process has, in this one. */
export type ProjectorRig = {
  readonly servers: BenchServers
  readonly mongo: MongoConnection
  readonly bare: BareMongo
  readonly kafka: KafkaConnection
  readonly codec: Codec
  readonly metrics: ReturnType<typeof projectionMetrics>
  close(): Promise<void>
}

export const openProjectorRig = async (servers: BenchServers): Promise<ProjectorRig> => {
  const mongo = await connectMongo({ url: servers.mongo, database: servers.database, clientName: 'bench' })
  const bare = await connectBareMongo(servers.mongo)
  return {
    servers,
    mongo,
    bare,
    kafka: connectKafka({ brokers: [servers.kafka], clientId: 'bench', logger: silentLogger }),
    codec: await connectCodec({ registryUrl: servers.registry, writes: [] }),
    metrics: projectionMetrics(createMetrics('bench')),
    close: async () => {
      await mongo.close()
      await bare.client.close()
    },
  }
}

export const projectionNamed = (name: string): AnyProjection => {
  const projection = findProjection(name)
  if (!projection) throw new Error(`no projection ${name}`)
  return projection
}

export type OnCommit = (id: CheckpointId, batch: CommitBatch) => void

/** Tells of each batch once it is in the store, and of the first claim. */
export const watched = (
  store: ProjectionStore,
  { onCommit, onClaim }: { readonly onCommit: OnCommit; readonly onClaim?: () => void },
): ProjectionStore => ({
  ...store,
  claim: (id, by) => {
    onClaim?.()
    return store.claim(id, by)
  },
  commit: async (id, batch) => {
    const outcome = await store.commit(id, batch)
    if (outcome === 'applied') onCommit(id, batch)
    return outcome
  },
})

export type Race = {
  readonly store: ProjectionStore
  /** From the first claim until every build has so many events. */
  readonly seconds: Promise<number>
}

export const raceOf = (
  rig: ProjectorRig,
  { builds, events, onCommit }: { builds: readonly string[]; events: number; onCommit?: OnCommit },
): Race => {
  const left = new Map(builds.map((build) => [build, events]))
  const { promise: seconds, resolve } = Promise.withResolvers<number>()
  let startedAt = 0
  const count: OnCommit = (id, batch) => {
    onCommit?.(id, batch)
    const rest = (left.get(id.projection) ?? 0) - (batch.to.lastSequence - batch.from.lastSequence)
    if (rest > 0) left.set(id.projection, rest)
    else left.delete(id.projection)
    if (left.size === 0) resolve((performance.now() - startedAt) / 1000)
  }
  const onClaim = (): void => {
    startedAt ||= performance.now()
  }
  return { store: watched(mongoProjectionStore(rig.mongo), { onCommit: count, onClaim }), seconds }
}

export const indexed = (rig: ProjectorRig, build: string, { indexes }: AnyProjection): Promise<void> =>
  ensureReadModelIndexes(rig.mongo, { projection: build, indexes })

export const startBuild = async (
  rig: ProjectorRig,
  store: ProjectionStore,
  feed: Omit<Feed, 'turn'> & Partial<Feed>,
): Promise<PartitionConsumer> => {
  await indexed(rig, feed.build, feed.projection)
  const { kafka: connection, codec, metrics } = rig
  const incarnationOf = () => Promise.resolve(1)
  const owner = randomUUID()
  return runProjection({
    connection,
    codec,
    metrics,
    store,
    storedKeys: mongoPartitionKeys(rig.mongo),
    owner,
    incarnationOf,
    logger: silentLogger,
    ...feed,
  })
}

type Order = {
  readonly projection: AnyProjection
  readonly build: string
  readonly events: number
  readonly onCommit?: OnCommit
}

/** Builds from offset 0 and stops after so many events; seconds for those. */
export const project = async (rig: ProjectorRig, { projection, build, ...more }: Order): Promise<number> => {
  const { store, seconds } = raceOf(rig, { builds: [build], ...more })
  const consumer = await startBuild(rig, store, { projection, build })
  const took = await seconds
  await consumer.stop()
  return took
}

/** So that a round has no more to carry than the one before. */
export const dropBuild = async ({ bare, servers }: ProjectorRig, build: string): Promise<void> => {
  await bare.collection(servers.database, `readModel.${build}`).drop()
}
