import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { orderHistory, type OrderHistory } from '@millrace/domain'
import { connectCodec, readRecord, topics, type Codec, type RecordedEvent } from '@millrace/events'
import { connectKafka, defaultConsumerTimings, type KafkaConnection } from '@millrace/kafka'
import { silentLogger } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { collectRecords } from '../../../test/support/collect-records.ts'
import { startOwnServer, type OwnServer } from '../../../test/support/own-server.ts'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { storedDocuments } from './expected-documents.ts'
import { startOrderLoad, type OrderLoad } from './order-load.ts'
import { watchPauses, type PauseWatch } from './pause-watch.ts'

const TOPIC = topics['orders.order.events']
const PATIENT = { timeoutMs: 40_000 }

type Checkpoint = {
  readonly _id: { readonly partition: number }
  readonly owner: string
  readonly lastSequence: number
}

// On a Kafka of its own: its events are no commits. The history of an order names every event that was folded into it.
describe('a projection group', () => {
  let ownKafka: OwnServer
  let servers: TestServers
  let kafka: KafkaConnection
  let codec: Codec
  let load: OrderLoad
  let pauses: PauseWatch
  const projectors: ServiceProcess[] = []

  beforeAll(async () => {
    ownKafka = await startOwnServer('kafka')
    servers = await prepareServers({ name: 'scaling', kafka: ownKafka.url })
    kafka = connectKafka({ brokers: [ownKafka.url], clientId: 'test', logger: silentLogger })
    codec = await connectCodec({ registryUrl: servers.registry })
    load = startOrderLoad(kafka, codec)
    pauses = watchPauses(async () => ({ written: load.written(), applied: await applied() }))
  })

  afterAll(async () => {
    await Promise.all([load.stop(), pauses.stop(), ...projectors.map((projector) => projector.stop())])
    await servers.stop()
    await ownKafka.stop()
  })

  const startProjectors = async (count: number): Promise<void> => {
    const start = () => startServiceProcess('projector', servers, { PROJECTIONS: orderHistory.name })
    projectors.push(...(await Promise.all(Array.from({ length: count }, start))))
  }

  const checkpoints = (): Promise<Checkpoint[]> =>
    servers.mongoConnection.db
      .collection('checkpoints')
      .find({ '_id.topic': TOPIC.name })
      .toArray() as unknown as Promise<Checkpoint[]>

  const applied = async (): Promise<number[]> => {
    const sequences = new Map(
      (await checkpoints()).map(({ _id, lastSequence }) => [_id.partition, lastSequence]),
    )
    return load.written().map((_, partition) => sequences.get(partition) ?? 0)
  }

  const expectOwners = async (count: number): Promise<void> => {
    await eventually(
      async () => new Set((await checkpoints()).map(({ owner }) => owner)).size,
      (owners) => owners === count,
      PATIENT,
    )
  }

  /** All that is written by now is in the read model, whoever put it there. */
  const expectAllApplied = async (): Promise<void> => {
    const goal = load.written()
    await eventually(
      applied,
      (now) => goal.every((count, partition) => (now[partition] ?? 0) >= count),
      PATIENT,
    )
  }

  const readLog = async (): Promise<RecordedEvent[]> => {
    const collector = await collectRecords(ownKafka.url, TOPIC.name)
    const count = load.written().reduce((sum, written) => sum + written, 0)
    try {
      const records = await eventually(
        () => collector.records(),
        ({ length }) => length >= count,
        PATIENT,
      )
      expect(records).toHaveLength(count)
      await codec.ensureWriters(records.flatMap(({ value }) => (value ? [codec.writerIdOf(value)] : [])))
      return records.map((record) =>
        readRecord(codec, { ...record, topic: TOPIC.name, value: record.value ?? Buffer.alloc(0) }),
      )
    } finally {
      await collector.stop()
    }
  }

  const foldOf = (events: readonly RecordedEvent[]): Record<string, OrderHistory | null> => {
    const documents: Record<string, OrderHistory | null> = {}
    for (const event of events) {
      for (const place of orderHistory.placesOf(event)) {
        const id = `${event.tenant}/${place.key}`
        documents[id] = orderHistory.evolve(documents[id] ?? null, event, place)
      }
    }
    return documents
  }

  it('grown to four instances under load and shrunk to one has every event, and each once', async () => {
    await startProjectors(1)
    await expectAllApplied()
    pauses.takeLongestMs()

    await startProjectors(3)
    await expectOwners(4)
    await expectAllApplied()
    // The first is the leader of the group.
    const leaving = projectors.slice(0, 3)
    expect(await Promise.all(leaving.map((projector) => projector.stop()))).toEqual([0, 0, 0])
    await expectOwners(1)
    await expectAllApplied()
    const longestPauseMs = pauses.takeLongestMs()

    await load.stop()
    await expectAllApplied()
    expect(await storedDocuments(orderHistory, servers.mongoConnection)).toEqual(foldOf(await readLog()))
    // For so long a partition stands still whose owner did not leave, but fell silent.
    expect(longestPauseMs).toBeLessThan(defaultConsumerTimings.sessionTimeoutMs)
  })
})
