import { randomUUID } from 'node:crypto'
import { topics, connectCodec, type Codec } from '@millrace/events'
import type { KafkaRecord } from '@millrace/kafka'
import { collectRecords } from '../../support/collect-records.ts'
import { prepareServers, type TestServers } from '../../support/test-servers.ts'
import { startReplica, type Replica } from './replica.ts'

/** Lease of the relays' shards: what a dead one held is taken over after it. */
export const LEASE_MS = 1_000

/** Two replicas of command-api and what they write to. */
export type WriteSide = {
  readonly servers: TestServers
  readonly codec: Codec
  readonly replicas: readonly [Replica, Replica]
  /** An id of this run: others may write to the same topics. */
  newId(): string
  /** What this run has in Kafka, of each partition in its order, by topic. */
  records(): readonly (readonly KafkaRecord[])[]
  stop(): Promise<void>
}

const EVENT_TOPICS = [topics['orders.order.events'].name, topics['catalog.product.events'].name]

type Options = Parameters<typeof prepareServers>[0]

export const openWriteSide = async (options: Options): Promise<WriteSide> => {
  const servers = await prepareServers(options)
  const codec = await connectCodec({ registryUrl: servers.registry, writes: [] })
  const env = { RELAY_LEASE_MS: String(LEASE_MS), RELAY_POLL_MS: '20' }
  const replicas = await Promise.all([startReplica(servers, env), startReplica(servers, env)])
  const collectors = await Promise.all(EVENT_TOPICS.map((topic) => collectRecords(servers.kafka, topic)))
  const run = randomUUID().slice(0, 8)
  const isOurs = (record: KafkaRecord): boolean => String(record.key).startsWith(`demo/${run}-`)
  return {
    servers,
    codec,
    replicas,
    newId: () => `${run}-${randomUUID()}`,
    records: () => collectors.map((collector) => collector.records().filter(isOurs)),
    stop: async () => {
      await Promise.all(collectors.map((collector) => collector.stop()))
      await Promise.all(replicas.map((replica) => replica.stop()))
      await servers.stop()
    },
  }
}
