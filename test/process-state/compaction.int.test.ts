import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { processes, versionedName } from '@millrace/domain'
import {
  connectCodec,
  tombstonesTrustedMs,
  toHeaders,
  topicConfigEntries,
  topics,
  writerIdsOf,
  type Codec,
} from '@millrace/events'
import {
  connectKafka,
  ensureTopics,
  fetchEndOffsets,
  loadLastValues,
  makePartitionProducer,
  readPartition,
  type KafkaConnection,
  type KafkaRecord,
  type OutgoingMessage,
} from '@millrace/kafka'
import { mongoLaneStates, mongoPartitionKeys, mongoProjectionStore, topicIncarnations } from '@millrace/mongo'
import { createMetrics, silentLogger } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { makeProgressOf } from '../../services/ops/src/build-progress.ts'
import { projectionMetrics, runProjection } from '../../services/projector/src/run-projection.ts'
import { collectRecords } from '../support/collect-records.ts'
import { startOwnServer, type OwnServer } from '../support/own-server.ts'
import { startServiceProcess, type ServiceProcess } from '../support/service-process.ts'
import { prepareServers, type TestServers } from '../support/test-servers.ts'

const SOURCE = 'process.state'
const SNAPSHOTS = 'process.state.snapshot'
const PARTITION = 0
const BUILD = versionedName(processes)
const PATIENT = { timeoutMs: 60_000, everyMs: 100 }
const KEYS = 20

/** As in the catalogue, but that the cleaner has something to do at once. */
const CLEANED_AT_ONCE = [
  { name: 'segment.ms', value: '200' },
  { name: 'min.cleanable.dirty.ratio', value: '0.001' },
  { name: 'delete.retention.ms', value: '200' },
]

// One story in order, on a Kafka whose cleaner is at work.
describe('a topic that Kafka compacts', () => {
  let ownKafka: OwnServer
  let servers: TestServers
  let kafka: KafkaConnection
  let codec: Codec
  let compactor: ServiceProcess | undefined
  /** The last value of each key, by what was written. */
  const truth = new Map<string, number>()
  let beat = 0

  beforeAll(async () => {
    ownKafka = await startOwnServer('kafka')
    kafka = connectKafka({ brokers: [ownKafka.url], clientId: 'compaction', logger: silentLogger })
    await ensureTopics(
      kafka,
      ([SOURCE, SNAPSHOTS] as const).map((name) => ({
        ...{ name, partitions: topics[name].partitions, replicationFactor: 1 },
        config: [
          ...topicConfigEntries(topics[name]).filter((entry) => entry.name !== 'delete.retention.ms'),
          ...CLEANED_AT_ONCE,
        ],
      })),
    )
    servers = await prepareServers({ name: 'compaction', kafka: ownKafka.url })
    codec = await connectCodec({ registryUrl: servers.registry })
  })
  afterAll(async () => {
    await compactor?.stop()
    await servers.stop()
    await ownKafka.stop()
  })

  const keyOf = (pid: number): string => `demo/m-1:node:${pid}`

  const toMessage = (pid: number, isAlive: boolean): OutgoingMessage => {
    const key = keyOf(pid)
    beat += 1
    if (!isAlive) {
      truth.delete(key)
      return { key, value: null, headers: {} }
    }
    truth.set(key, beat)
    const id = randomUUID()
    const data = { host: 'm-1', name: 'node', pid, startedAt: 0, status: 'alive', lastSeenAt: beat } as const
    return {
      key,
      value: codec.encode(SOURCE, { type: 'ProcessState', data: { ...data, beat, cpu: 0, rss: 0 } }),
      headers: toHeaders({
        ...{ id, type: 'ProcessState', tenant: 'demo', stream: `processes.process-m-1:node:${pid}` },
        ...{ version: 0, occurredAt: Date.now(), correlationId: id, causationId: id, actor: 'test' },
        ...{ sequence: null, traceparent: null },
      }),
    }
  }

  const write = async (messages: readonly OutgoingMessage[]): Promise<void> => {
    const producer = makePartitionProducer(kafka, { topic: SOURCE, partition: PARTITION })
    await producer.send(messages)
    await producer.close()
  }

  const writeRounds = (rounds: number): Promise<void> =>
    write(Array.from({ length: rounds * KEYS }, (_, index) => toMessage(index % KEYS, true)))

  const existing = async (topic: string): Promise<KafkaRecord[]> => {
    const all: KafkaRecord[] = []
    for await (const records of readPartition(kafka, { topic, partition: PARTITION })) all.push(...records)
    return all
  }

  /** The segment that is written to is never cleaned: each look begins another one. */
  const untilCleaned = (isCleaned: (records: readonly KafkaRecord[]) => boolean): Promise<unknown> =>
    eventually(
      async () => {
        await write([toMessage(0, true)])
        return existing(SOURCE)
      },
      isCleaned,
      PATIENT,
    )

  const beatsOf = async (records: readonly KafkaRecord[]): Promise<Map<string, number>> => {
    await codec.ensureWriters(
      writerIdsOf(
        codec,
        records.map(({ value }) => value),
      ),
    )
    const beats = new Map<string, number>()
    for (const { key, value } of records) {
      const event = value && codec.decode(SOURCE, value)
      if (event?.type === 'ProcessState') beats.set(String(key), event.data.beat)
      else beats.delete(String(key))
    }
    return beats
  }

  const documents = async (): Promise<Map<string, number>> => {
    const found = await servers.mongoConnection.db.collection(`readModel.${BUILD}`).find().toArray()
    return new Map(found.map(({ _id, beat }) => [String(_id), Number(beat)]))
  }

  const isTrue = (values: ReadonlyMap<string, number>): boolean =>
    values.size === truth.size && [...truth].every(([key, value]) => values.get(key) === value)

  /** The changelog, until it has what there is. */
  const follow = async (): Promise<void> => {
    const mongo = servers.mongoConnection
    const consumer = await runProjection({
      ...{ connection: kafka, codec, projection: processes, build: BUILD, owner: randomUUID() },
      store: mongoProjectionStore(mongo),
      storedKeys: mongoPartitionKeys(mongo),
      incarnationOf: topicIncarnations(mongo).current,
      metrics: projectionMetrics(createMetrics('test')),
      logger: silentLogger,
    })
    await eventually(documents, isTrue, PATIENT)
    await consumer.stop()
  }

  const progress = async () => {
    const progressOf = makeProgressOf({ kafka, lanes: mongoLaneStates(servers.mongoConnection) })
    const build = { name: 'v2', version: 'v2', startedAt: new Date() }
    return (await progressOf(processes, [build])).get('v2')
  }

  it('loses its old values, and keeps the last of each key', async () => {
    await writeRounds(50)
    await follow()
    await writeRounds(100)
    await untilCleaned((records) => records.length < 3 * KEYS)
    expect(isTrue(await beatsOf(await existing(SOURCE)))).toBe(true)
  })

  it('is as far ahead of a reader as there are records, and as the oldest of them is old', async () => {
    const end = Number((await fetchEndOffsets(kafka, SOURCE)).get(PARTITION))
    const { remaining, lagSeconds, partitions } = (await progress()) ?? {}
    const at = partitions?.find(({ partition }) => partition === PARTITION)
    expect(end - (at?.nextOffset ?? 0)).toBeGreaterThan(100 * KEYS)
    expect(remaining).toBeLessThan(3 * KEYS)
    expect(remaining).toBeGreaterThanOrEqual(KEYS)
    expect(lagSeconds).toBeGreaterThan(0)
  })

  it('is read on from where there is nothing any more', async () => {
    await follow()
    expect(await progress()).toMatchObject({ remaining: 0, lagSeconds: null })
  })

  it('gives a new reader all that is left', async () => {
    const reader = await collectRecords(ownKafka.url, SOURCE)
    await eventually(async () => isTrue(await beatsOf(reader.records())), Boolean, PATIENT)
    await reader.stop()
  })

  it('has snapshots that are cleaned as well, and begin what it is', async () => {
    compactor = await startServiceProcess('compactor', servers, { TABLE_SNAPSHOT_EVERY_MS: '100' })
    const values = (snapshots: typeof SNAPSHOTS | null) =>
      loadLastValues({ connection: kafka, codec }, { source: SOURCE, snapshots, partition: PARTITION })
    await eventually(
      async () => {
        await writeRounds(1)
        const entries = await existing(SNAPSHOTS)
        return { entries: entries.length, written: Number(entries.at(-1)?.offset ?? 0) }
      },
      ({ entries, written }) => written > 10 * KEYS && entries < written / 3,
      PATIENT,
    )
    const bySnapshot = await values(SNAPSHOTS)
    expect(bySnapshot).toEqual(await values(null))
    expect(bySnapshot.values.size).toBe(KEYS)
  })

  it('has no key any more of which not even a tombstone is left, whoever was away meanwhile', async () => {
    await follow()
    await write([toMessage(7, false), toMessage(8, false)])
    await untilCleaned((records) => !records.some(({ key }) => [7, 8].map(keyOf).includes(String(key))))
    // As if that had taken a day.
    await servers.mongoConnection.db
      .collection('checkpoints')
      .updateMany({}, { $set: { lastTs: Date.now() - tombstonesTrustedMs - 60_000 } })
    await follow()
    expect((await documents()).size).toBe(KEYS - 2)
  })
})
