import { randomUUID } from 'node:crypto'
import { processState } from '@millrace/domain'
import {
  parseMessageKey,
  toHeaders,
  toMessageKey,
  topicConfigEntries,
  topics,
  type Codec,
  type ProcessState,
} from '@millrace/events'
import {
  connectKafka,
  ensureTopics,
  fetchEndOffsetsOf,
  loadLastValues,
  makeFencedProducer,
  makePartitionProducer,
  readPartition,
  type KafkaConnection,
  type KafkaRecord,
  type LaneOutcome,
  type LastValues,
  type OutgoingMessage,
} from '@millrace/kafka'
import { mongoProjectionStore, type MongoConnection } from '@millrace/mongo'
import { silentLogger } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import {
  snapshotLanes,
  type CompletedPass,
  type SnapshotLaneDeps,
} from '../src/table-snapshots/snapshot-lane.ts'

const SOURCE = 'process.state'
const SNAPSHOTS = 'process.state.snapshot'

/** A compactor at work on one partition; the test reads for it. */
export type Compacting = {
  /** Hands it all that it has not had yet. */
  feed(): Promise<LaneOutcome>
  apply(records: readonly KafkaRecord[]): Promise<LaneOutcome>
  readonly passes: readonly CompletedPass[]
  close(): Promise<void>
}

export type SnapshotRig = {
  readonly kafka: KafkaConnection
  /** Sets values of keys, or takes them away, in this order. */
  write(partition: number, values: readonly (readonly [pid: number, beat: number | null])[]): Promise<void>
  /** As it is in the test's partition, ahead of all others. */
  open(partition: number, given?: Partial<SnapshotLaneDeps>): Promise<Compacting>
  records(topic: string, partition: number): Promise<KafkaRecord[]>
  /** What a new reader has, by the snapshot or without it. */
  load(partition: number, by: 'snapshot' | 'source'): Promise<LastValues>
  closeAll(): Promise<void>
}

type Servers = { readonly kafka: string; readonly mongo: MongoConnection; readonly codec: Codec }

export const keyOf = (pid: number): string => `demo/m-1:node:${pid}`

const stateOf = (pid: number, beat: number): ProcessState => ({
  ...{
    host: 'm-1',
    name: 'node',
    pid,
    startedAt: 0,
    status: 'alive',
    lastSeenAt: beat,
    beat,
    cpu: 0,
    rss: 0,
  },
})

const PARTITIONS = 60

/** Topics as in the catalogue, but for the number of partitions. */
const createTopics = async (kafka: KafkaConnection): Promise<void> => {
  const names = [SOURCE, SNAPSHOTS] as const
  await ensureTopics(
    kafka,
    names.map((name) => ({
      ...{ name, partitions: PARTITIONS, replicationFactor: 1 },
      config: topicConfigEntries(topics[name]),
    })),
  )
  // The last of so many have no leader yet.
  await eventually(
    () => fetchEndOffsetsOf(kafka, names),
    (ends) => [...ends.values()].every(({ size }) => size === PARTITIONS),
    { timeoutMs: 30_000 },
  )
}

export const snapshotRig = async ({ kafka: broker, mongo, codec }: Servers): Promise<SnapshotRig> => {
  const kafka = connectKafka({ brokers: [broker], clientId: 'snapshots', logger: silentLogger })
  await createTopics(kafka)
  const closing: (() => Promise<void>)[] = []
  const read: SnapshotRig['records'] = async (topic, partition) => {
    const all: KafkaRecord[] = []
    for await (const records of readPartition(kafka, { topic, partition })) all.push(...records)
    return all
  }
  const toMessage = ([pid, beat]: readonly [number, number | null]): OutgoingMessage => {
    const key = keyOf(pid)
    if (beat === null) return { key, value: null, headers: {} }
    const id = randomUUID()
    const { tenant, key: own } = parseMessageKey(key)
    return {
      key: toMessageKey({ tenant, key: own }),
      value: codec.encode(SOURCE, { type: 'ProcessState', data: stateOf(pid, beat) }),
      headers: toHeaders({
        ...{ id, type: 'ProcessState', tenant, stream: `processes.process-${own}`, version: 0 },
        ...{ occurredAt: beat, correlationId: id, causationId: id, actor: 'test', sequence: null },
        traceparent: null,
      }),
    }
  }
  return {
    kafka,
    write: async (partition, values) => {
      const producer = makePartitionProducer(kafka, { topic: SOURCE, partition })
      for (let from = 0; from < values.length; from += 1_000)
        await producer.send(values.slice(from, from + 1_000).map(toMessage))
      await producer.close()
    },
    open: async (partition, given = {}) => {
      const passes: CompletedPass[] = []
      const session = await snapshotLanes({
        ...{ table: processState, name: 'snapshots.test', codec: async () => codec, owner: randomUUID() },
        checkpoints: mongoProjectionStore(mongo),
        incarnationOf: async () => 1,
        read: (range) => readPartition(kafka, range),
        makeProducer: (at) =>
          makeFencedProducer(kafka, { ...at, transactionalId: `test.${at.topic}.${at.partition}` }),
        // Passes come with what is fed.
        ...{ everyMs: 3_600_000, maxPendingBytes: 1, logger: silentLogger },
        onPass: (pass) => passes.push(pass),
        onPending: () => undefined,
        ...given,
      }).open({ topic: SOURCE, partition })
      closing.push(session.close)
      const feed = async (): Promise<LaneOutcome> => {
        const from = session.nextOffset
        const records: KafkaRecord[] = []
        for await (const chunk of readPartition(kafka, { topic: SOURCE, partition, from }))
          records.push(...chunk)
        return session.apply(records)
      }
      return { feed, passes, apply: session.apply, close: session.close }
    },
    records: read,
    load: (partition, by) =>
      loadLastValues(
        { connection: kafka, codec },
        { source: SOURCE, snapshots: by === 'snapshot' ? SNAPSHOTS : null, partition },
      ),
    closeAll: async () => void (await Promise.all(closing.splice(0).map((close) => close()))),
  }
}
