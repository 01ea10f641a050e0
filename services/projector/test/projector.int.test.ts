import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { orderHistory, orderSummary } from '@millrace/domain'
import { connectCodec, type Codec } from '@millrace/events'
import {
  connectKafka,
  fetchCommittedOffsets,
  fetchEndOffsets,
  makePartitionProducer,
  startConsumer,
  type KafkaConnection,
  type KafkaRecord,
  type OutgoingMessage,
} from '@millrace/kafka'
import { silentLogger } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { collectRecords } from '../../../test/support/collect-records.ts'
import { httpClient, type HttpClient } from '../../../test/support/http-client.ts'
import { startOwnServer, type OwnServer } from '../../../test/support/own-server.ts'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { expectedDocuments, storedDocuments } from './expected-documents.ts'

const TOPIC = 'orders.order.events'
const PROJECTIONS = [orderSummary, orderHistory]
const GROUP = 'projection.order-summary.v1'
const PATIENT = { timeoutMs: 40_000 }

type Checkpoint = {
  readonly _id: { readonly projection: string; readonly topic: string; readonly partition: number }
  readonly owner: string
  readonly nextOffset: number
  readonly lastSequence: number
  readonly incarnation: number
}

// One story told in order, on a Kafka of its own: the last tests break the log on purpose.
describe('the projector', () => {
  let ownKafka: OwnServer
  let servers: TestServers
  let kafka: KafkaConnection
  let codec: Codec
  let commandApi: ServiceProcess
  let client: HttpClient
  const projectors: ServiceProcess[] = []

  beforeAll(async () => {
    ownKafka = await startOwnServer('kafka')
    servers = await prepareServers({ name: 'projector', kafka: ownKafka.url })
    kafka = connectKafka({ brokers: [ownKafka.url], clientId: 'test', logger: silentLogger })
    codec = await connectCodec({ registryUrl: servers.registry, writes: [] })
    await Promise.all([startCommandApi(), startProjector()])
  })

  afterAll(async () => {
    await client.close()
    await Promise.all([commandApi, ...projectors].map((service) => service.stop()))
    await servers.stop()
    await ownKafka.stop()
  })

  const startCommandApi = async (): Promise<void> => {
    commandApi = await startServiceProcess('command-api', servers, { RELAY_POLL_MS: '20' })
    client = httpClient(commandApi.url)
  }

  const startProjector = async (): Promise<ServiceProcess> => {
    const names = PROJECTIONS.map(({ name }) => name).join()
    const started = await startServiceProcess('projector', servers, { PROJECTIONS: names })
    projectors.push(started)
    return started
  }

  const stopProjectors = async (): Promise<void> => {
    expect(await Promise.all(projectors.splice(0).map((projector) => projector.stop()))).toEqual(
      expect.not.arrayContaining([1]),
    )
  }

  const command = async (id: string, name: string, body: object): Promise<void> => {
    const answer = await client.send({
      method: 'POST',
      path: `/orders/${id}/${name}`,
      headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: JSON.stringify(body),
    })
    expect([answer.status, answer.text]).toEqual([200, answer.text])
  }

  const line = { productId: 'p-1', quantity: 2, amount: 1998 }
  const place = { customerId: 'c-1', currency: 'EUR', lines: [line] }
  const ends = [
    [],
    [['cancel', { reason: 'changed my mind' }]],
    [['pay', { method: 'card' }]],
    [
      ['pay', { method: 'card' }],
      ['ship', { carrier: 'DHL', trackingId: 'T-1' }],
      ['deliver', {}],
      ['return', { reason: 'too small' }],
    ],
  ] as const

  const writeOrders = async (count: number): Promise<void> => {
    await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const id = `o-${randomUUID()}`
        await command(id, 'place', place)
        for (const [name, body] of ends[index % ends.length] ?? []) await command(id, name, body)
      }),
    )
  }

  const checkpoints = async (): Promise<Checkpoint[]> =>
    servers.mongoConnection.db
      .collection('checkpoints')
      .find({ '_id.topic': TOPIC })
      .toArray() as unknown as Promise<Checkpoint[]>

  const applied = async (): Promise<number> =>
    (await checkpoints()).reduce((sum, { lastSequence }) => sum + lastSequence, 0)

  const countEvents = async (): Promise<number> => {
    const commits = servers.mongoConnection.db.collection('commits').find({ first: { $gt: 0 } })
    return (await commits.toArray()).reduce((sum, commit) => sum + (commit['events'] as unknown[]).length, 0)
  }

  const expectFoldOfTheLog = async (): Promise<void> => {
    const events = await countEvents()
    await eventually(applied, (sum) => sum === events * PROJECTIONS.length, PATIENT)
    for (const projection of [orderSummary, orderHistory] as const) {
      const stored = await storedDocuments(projection, servers.mongoConnection)
      const expected =
        projection === orderSummary
          ? await expectedDocuments(orderSummary, servers.mongoConnection, codec)
          : await expectedDocuments(orderHistory, servers.mongoConnection, codec)
      expect(stored).toEqual(expected)
    }
  }

  const metric = async (name: string): Promise<number> => {
    const texts = await Promise.all(
      projectors.map(async ({ admin }) => (await fetch(new URL('/metrics', admin))).text()),
    )
    const values = texts.flatMap((text) => [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'gm'))])
    return values.reduce((sum, match) => sum + Number(match[1]), 0)
  }

  const send = async (partition: number, messages: readonly OutgoingMessage[]): Promise<void> => {
    const producer = makePartitionProducer(kafka, { topic: TOPIC, partition })
    await producer.send(messages)
    await producer.close()
  }

  const countRecords = async (): Promise<number> =>
    [...(await fetchEndOffsets(kafka, TOPIC)).values()].reduce((sum, end) => sum + Number(end), 0)

  const readTopic = async (): Promise<readonly KafkaRecord[]> => {
    const total = await countRecords()
    const collector = await collectRecords(ownKafka.url, TOPIC)
    try {
      return await eventually(collector.records, ({ length }) => length >= total, PATIENT)
    } finally {
      await collector.stop()
    }
  }

  /** Makes Kafka believe that the group has read nothing, or all, as a reset by an operator does. */
  const resetGroup = async (to: 'nothing' | 'all'): Promise<void> => {
    const ends = await fetchEndOffsets(kafka, TOPIC)
    const consumer = await startConsumer({
      connection: connectKafka({ brokers: [ownKafka.url], clientId: 'test', logger: silentLogger }),
      groupId: GROUP,
      topics: [TOPIC],
      logger: silentLogger,
      limits: { commitEveryMs: 50 },
      source: {
        open: async () => ({
          nextOffset: 0n,
          apply: async (records) =>
            to === 'all'
              ? { type: 'applied', nextOffset: (records.at(-1)?.offset ?? 0n) + 1n }
              : { type: 'stopped', reason: 'only the offset was wanted' },
          close: async () => undefined,
        }),
      },
    })
    try {
      await eventually(
        () => fetchCommittedOffsets(kafka, GROUP, TOPIC),
        (found) => [...ends].every(([partition, end]) => found.get(partition) === (to === 'all' ? end : 0n)),
        PATIENT,
      )
    } finally {
      await consumer.stop()
    }
  }

  it('makes of the log what its fold says, for every read model', async () => {
    await writeOrders(40)
    await expectFoldOfTheLog()
  })

  it('changes nothing when every record comes a second time', async () => {
    const records = await readTopic()
    const before = await checkpoints()
    for (const [partition, group] of Map.groupBy(records, (record) => record.partition)) {
      const messages = group.map(({ key, value, headers, timestamp }) => ({
        key: key ?? '',
        value,
        headers: headers as Record<string, Buffer>,
        timestamp,
      }))
      await send(partition, messages)
    }
    await eventually(
      () => metric('millrace_projection_duplicates_total'),
      (count) => count === records.length * PROJECTIONS.length,
      PATIENT,
    )
    await expectFoldOfTheLog()
    await writeOrders(5)
    await expectFoldOfTheLog()
    expect((await checkpoints()).map(({ lastSequence }) => lastSequence).toSorted()).not.toEqual(
      before.map(({ lastSequence }) => lastSequence).toSorted(),
    )
  })

  it('goes by its checkpoint when Kafka says that nothing was read', async () => {
    await stopProjectors()
    await resetGroup('nothing')
    await startProjector()
    await writeOrders(10)
    await expectFoldOfTheLog()
    expect(await metric('millrace_projection_duplicates_total')).toBe(0)
  })

  it('goes by its checkpoint when Kafka says that all was read', async () => {
    await stopProjectors()
    await writeOrders(10)
    const records = servers.mongoConnection.db.collection('publications')
    await eventually(
      () => servers.mongoConnection.db.collection('commits').countDocuments({ pending: true }),
      (pending) => pending === 0,
    )
    await eventually(
      () => records.countDocuments({ state: 'open' }),
      (open) => open === 0,
    )
    await resetGroup('all')
    await startProjector()
    await expectFoldOfTheLog()
  })

  it('shares the partitions between two processes', async () => {
    await startProjector()
    await eventually(
      async () => new Set((await checkpoints()).map(({ owner }) => owner)).size,
      (owners) => owners === 2,
      PATIENT,
    )
    await writeOrders(20)
    await expectFoldOfTheLog()
  })

  it('killed in the middle of a backlog, goes on without losing or doubling anything', async () => {
    await stopProjectors()
    await writeOrders(100)
    const before = await applied()
    const victim = await startProjector()
    await eventually(applied, (sum) => sum > before, { ...PATIENT, everyMs: 2 })
    await victim.kill()
    projectors.length = 0
    await startProjector()
    await expectFoldOfTheLog()
  })

  it('stays right when Kafka was emptied: the relay publishes the store anew, with the same sequences', async () => {
    const sequences = new Map(
      (await checkpoints()).map(({ _id, lastSequence }) => [JSON.stringify(_id), lastSequence]),
    )
    await Promise.all([stopProjectors(), commandApi.stop(), client.close()])
    await ownKafka.empty()
    await servers.setUp()
    await Promise.all([startCommandApi(), startProjector()])
    const events = await countEvents()
    await eventually(countRecords, (count) => count >= events, PATIENT)
    expect(await readTopic()).toHaveLength(events)
    await eventually(checkpoints, (all) => all.every(({ incarnation }) => incarnation === 2), PATIENT)
    expect(
      new Map((await checkpoints()).map(({ _id, lastSequence }) => [JSON.stringify(_id), lastSequence])),
    ).toEqual(sequences)
    await writeOrders(20)
    await expectFoldOfTheLog()
  })

  it('parks the key of a record that cannot be read, in every projection that handles it', async () => {
    const last = (await readTopic()).findLast(({ partition }) => partition === 1) as KafkaRecord
    // Without a number: the next one is the relay's to give.
    const { ce_sequence: _, ...headers } = last.headers as Record<string, Buffer>
    await send(1, [{ key: last.key ?? '', value: Buffer.from('not in wire format'), headers }])
    const parked = await eventually(
      () => servers.mongoConnection.db.collection('parkedEvents').find().toArray(),
      ({ length }) => length === PROJECTIONS.length,
      PATIENT,
    )
    for (const event of parked)
      expect(event).toMatchObject({
        sequence: null,
        parkingKey: last.key?.toString(),
        reason: { type: 'poison' },
      })
    expect(await metric('millrace_projection_parked_total')).toBe(PROJECTIONS.length)
  })

  describe('stops one partition, and says why,', () => {
    const stopped = () =>
      projectors
        .flatMap((projector) => projector.log())
        .filter(({ msg }) => msg?.startsWith('partition stopped'))

    const expectStop = async (partition: number, reason: RegExp): Promise<void> => {
      const lines = await eventually(
        () => stopped().filter((entry) => entry['partition'] === partition),
        (found) => found.length === PROJECTIONS.length,
        PATIENT,
      )
      for (const { level, reason: told } of lines)
        expect([level, told]).toEqual(['error', expect.stringMatching(reason)])
    }

    const headersOf = (record: KafkaRecord, sequence: number): Record<string, Buffer | string> => ({
      ...(record.headers as Record<string, Buffer>),
      ce_sequence: String(sequence),
    })

    it('when a sequence is missing', async () => {
      const last = (await readTopic()).findLast(({ partition }) => partition === 0) as KafkaRecord
      const sequence = Number(last.headers['ce_sequence']) + 2
      await send(0, [{ key: last.key ?? '', value: last.value, headers: headersOf(last, sequence) }])
      await expectStop(0, new RegExp(`sequence ${sequence - 1} is missing.*${sequence}`))
    })

    it('while the others go on', async () => {
      const before = await checkpoints()
      // So many that no partition is left out by chance: of 30 one in sixty runs had such a one.
      await writeOrders(90)
      const moved = await eventually(
        async () =>
          (await checkpoints()).filter(
            ({ _id, nextOffset }) =>
              nextOffset >
              (before.find((old) => JSON.stringify(old._id) === JSON.stringify(_id))?.nextOffset ?? 0),
          ),
        (found) => new Set(found.map(({ _id }) => _id.partition)).size === 5,
        PATIENT,
      )
      expect(new Set(moved.map(({ _id }) => _id.partition))).toEqual(new Set([1, 2, 3, 4, 5]))
      expect(projectors.every((projector) => projector.isAlive())).toBe(true)
    })
  })

  it('ends with 78 when it is told to build what it does not know', async () => {
    await expect(startServiceProcess('projector', servers, { PROJECTIONS: 'order-sumary' })).rejects.toThrow(
      /code 78/,
    )
  })
})
