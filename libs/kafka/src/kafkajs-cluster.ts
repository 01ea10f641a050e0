/**
 * What kafkajs keeps to itself and a reader without a group needs: its cluster, with which consumers fetch, and the batch
 * that they make of an answer. As in kafkajs-shim.ts: what is not there as it was in 2.2.4 stops whoever asks for it.
 */
import { createRequire } from 'node:module'
import type { Batch, Kafka } from 'kafkajs'

/** Of a fetched partition; `messages` are all that there are, also those that nobody gets to see. */
export type FetchedPartition = {
  readonly partition: number
  readonly highWatermark: string
  readonly messages: readonly unknown[]
}

type FetchRequest = {
  readonly maxWaitTime: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly isolationLevel: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly {
      readonly partition: number
      readonly fetchOffset: string
      readonly maxBytes: number
    }[]
  }[]
}

type FetchAnswer = { readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[] }

export type Broker = { fetch(request: FetchRequest): Promise<FetchAnswer> }

export type Cluster = {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  /** Partitions by the id of the node that leads them. */
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>
  findBroker(node: { nodeId: string }): Promise<Broker>
}

type MakeCluster = (options: { metadataMaxAge: number; allowAutoTopicCreation: boolean }) => Cluster
type BatchClass = new (topic: string, fetchedOffset: string, data: FetchedPartition) => Batch

const CREATE_CLUSTER = 'private:Kafka:createCluster'
const METADATA_MAX_AGE_MS = 60_000

const load = createRequire(import.meta.url)
const KafkajsBatch = load('kafkajs/src/consumer/batch.js') as BatchClass

export const makeCluster = (kafka: Kafka): Cluster => {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === CREATE_CLUSTER)
  const make = symbol && (kafka as unknown as Record<symbol, MakeCluster>)[symbol]
  if (typeof make !== 'function') throw new Error('this kafkajs does not say how it makes a cluster')
  return make({ metadataMaxAge: METADATA_MAX_AGE_MS, allowAutoTopicCreation: false })
}

export const toBatch = (topic: string, fetchedOffset: bigint, data: FetchedPartition): Batch =>
  new KafkajsBatch(topic, String(fetchedOffset), data)
