import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { connectCodec, type Codec } from '@millrace/events'
import {
  connectKafka,
  ensureTopics,
  makePartitionProducer,
  type KafkaConnection,
  type PartitionProducer,
} from '@millrace/kafka'
import {
  mongoEventStore,
  mongoLeases,
  mongoPublications,
  type EventStore,
  type PlannedCommit,
  type Publications,
  type ShardId,
} from '@millrace/mongo'
import { PlatformError, silentLogger } from '@millrace/runtime'
import { eventually, orderPaid, orderPlaced } from '@millrace/testkit'
import { collectRecords, type Collector } from '../../../test/support/collect-records.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { startShard, type Shard, type ShardDeps } from '../src/relay/shard.ts'
import { makeGate } from './gate.ts'
import { readLog } from './published-log.ts'

const LEASE_MS = 500

/** Without `this`. */
const unbound = (producer: PartitionProducer): PartitionProducer => ({
  send: (messages) => producer.send(messages),
  close: () => producer.close(),
})

const failing = (producer: PartitionProducer, fails: () => boolean): PartitionProducer => ({
  ...producer,
  send: async (messages) => {
    if (!fails()) return producer.send(messages)
    throw new PlatformError({ code: 'KAFKA_SEND_SWALLOWED', message: 'went back', retryable: true })
  },
})

// Shards run in this process, on a topic of each test's own, so that a test can hold one at a chosen step.
describe('a relay shard', () => {
  let servers: TestServers
  let kafka: KafkaConnection
  let codec: Codec
  let store: EventStore
  let publications: Publications
  let topic: string
  let collector: Collector
  let collectors: Collector[]
  let shards: Shard[]

  beforeAll(async () => {
    servers = await prepareServers({ name: 'relay' })
    kafka = connectKafka({ brokers: [servers.kafka], clientId: 'test', logger: silentLogger })
    codec = await connectCodec({ registryUrl: servers.registry })
    store = mongoEventStore(servers.mongoConnection)
    publications = mongoPublications(servers.mongoConnection)
  })

  afterAll(() => servers.stop())

  const collect = async (name: string): Promise<Collector> => {
    const started = await collectRecords(servers.kafka, name)
    collectors.push(started)
    return started
  }

  const openTopic = async (): Promise<void> => {
    topic = `test-relay.${randomUUID()}`
    shards = []
    collectors = []
    await ensureTopics(kafka, [{ name: topic, partitions: 1, replicationFactor: 1, config: [] }])
    collector = await collect(topic)
  }

  afterEach(async () => {
    await Promise.all(shards.map((shard) => shard.stop()))
    await Promise.all(collectors.map((started) => started.stop()))
  })

  const producerOf = (id: ShardId): PartitionProducer => unbound(makePartitionProducer(kafka, id))

  const start = (owner: string, deps: Partial<ShardDeps> = {}): Shard => {
    const incarnationOf = deps.incarnationOf ?? (async () => 1)
    let emptiedIn = -1
    const shard = startShard(
      {
        publications,
        leases: mongoLeases(servers.mongoConnection),
        incarnationOf,
        isEmptied: async (name) => emptiedIn >= (await incarnationOf(name)),
        reportEmptied: async (_, incarnation) => void (emptiedIn = incarnation),
        makeProducer: producerOf,
        owner,
        leaseMs: LEASE_MS,
        pollMs: 20,
        logger: silentLogger,
        onPublished: () => undefined,
        ...deps,
      },
      { topic, partition: 0 },
    )
    shards.push(shard)
    return shard
  }

  /** One order, placed and paid: two commits. */
  const writeOrder = async (): Promise<void> => {
    const key = `o-${randomUUID()}`
    const stream = `orders.order-${key}`
    for (const [index, event] of [orderPlaced(), orderPaid()].entries()) {
      const { order } = await store.load({ tenant: 'demo', stream })
      const bytes = codec.encode('orders.order.events', event)
      await store.append({
        _id: randomUUID(),
        tenant: 'demo',
        stream,
        key,
        first: index + 1,
        topic,
        partition: 0,
        order: Math.max(Date.now() * 1000, order + 1),
        events: [{ id: randomUUID(), type: event.type, occurredAt: Date.now(), bytes }],
        correlationId: 'c',
        causationId: 'c',
        actor: 'dev',
        idempotency: { principal: 'dev', route: 'test', key: randomUUID(), fingerprint: 'f' },
      })
    }
  }

  const writeOrders = (count: number): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, () => writeOrder()))

  const shardRecords = () =>
    servers.mongoConnection.db
      .collection('publications')
      .find({ '_id.topic': topic })
      .sort({ '_id.n': 1 })
      .toArray()

  const publishedEvents = async (count: number, repeats: number): Promise<void> => {
    const report = await eventually(
      () => readLog(collector.records()),
      (log) => log.firsts.length >= count && log.repeats >= repeats,
    )
    expect(report.faults).toEqual([])
    expect([report.firsts.length, report.repeats]).toEqual([count, repeats])
    await eventually(
      async () => (await shardRecords()).map((record) => record['state'] as string),
      (states) => states.length > 0 && states.every((state) => state === 'done'),
    )
  }

  it('publishes in version order under gap-free sequences, each event once', async () => {
    await openTopic()
    await writeOrders(30)
    start('a')
    await publishedEvents(60, 0)
    await writeOrders(30)
    await publishedEvents(120, 0)
  })

  it('goes on where another one stopped', async () => {
    await openTopic()
    const first = start('a')
    await writeOrders(3)
    await publishedEvents(6, 0)
    await first.stop()
    start('b')
    await writeOrders(3)
    await publishedEvents(12, 0)
  })

  it('produces the open record of a killed relay again, with the same sequences, before anything new', async () => {
    await openTopic()
    await writeOrders(3)
    let commits: readonly PlannedCommit[] = []
    await publications.sweep({ topic, partition: 0 }, { maxEvents: 4, maxBytes: 1e6 }, async (planned) => {
      commits = planned
      return false
    })
    await publications.open({
      _id: { topic, partition: 0, n: 1 },
      firstSequence: 1,
      commitIds: commits.map(({ _id }) => _id),
      eventCounts: commits.map(({ events }) => events.length),
      state: 'open',
      incarnation: 1,
    })
    start('b')
    await publishedEvents(6, 0)
    const [planned] = await shardRecords()
    expect(
      collector
        .records()
        .slice(0, 4)
        .map(({ headers }) => String(headers['ce_id'])),
    ).toEqual(commits.flatMap(({ events }) => events.map(({ id }) => id)))
    expect(planned?.['commitIds']).toEqual(commits.map(({ _id }) => _id))
  })

  it('frozen before its send: who takes over publishes, and the late send repeats sequences only', async () => {
    await openTopic()
    const gate = makeGate()
    gate.shut()
    start('zombie', {
      makeProducer: (id) => {
        const producer = makePartitionProducer(kafka, id)
        return {
          ...producer,
          close: () => producer.close(),
          send: async (messages) => {
            await gate.pass()
            return producer.send(messages)
          },
        }
      },
    })
    await writeOrders(3)
    await gate.reached()
    await writeOrders(3)
    start('heir')
    await publishedEvents(12, 0)
    const [record] = await shardRecords()
    const repeated = (record?.['eventCounts'] as number[]).reduce((sum, count) => sum + count, 0)
    gate.open()
    await publishedEvents(12, repeated)
  })

  it('frozen with a plan in hand: its plan is void once another relay has taken the number', async () => {
    await openTopic()
    const gate = makeGate()
    gate.shut()
    start('zombie', {
      publications: {
        ...publications,
        open: async (record) => {
          await gate.pass()
          return publications.open(record)
        },
      },
    })
    await writeOrders(3)
    await gate.reached()
    start('heir')
    await publishedEvents(6, 0)
    gate.open()
    await writeOrders(3)
    await publishedEvents(12, 0)
  })

  it('produces again what it cannot know to be written, with the same sequences', async () => {
    await openTopic()
    let failures = 1
    start('a', {
      makeProducer: (id) => {
        const producer = makePartitionProducer(kafka, id)
        return {
          close: () => producer.close(),
          send: async (messages) => {
            const sent = await producer.send(messages)
            if (failures-- > 0) throw new Error('the answer was lost')
            return sent
          },
        }
      },
    })
    await writeOrder()
    await eventually(
      () => collector.records().length,
      (count) => count > 0,
    )
    const [record] = await shardRecords()
    await publishedEvents(2, (record?.['eventCounts'] as number[]).length)
  })

  it.each([
    ['before it noticed', 0],
    ['after it noticed', 1],
  ])(
    'finds its topic emptied: it stops, and publishes all of it anew once setup has run, %s',
    async (_, late) => {
      await openTopic()
      const emptied = `${topic}.emptied`
      await ensureTopics(kafka, [{ name: emptied, partitions: 1, replicationFactor: 1, config: [] }])
      const fresh = await collect(emptied)
      let current = topic
      let incarnation = 1
      start('a', {
        incarnationOf: async () => incarnation,
        makeProducer: (id) => {
          const producers = [topic, emptied].map((name) => producerOf({ ...id, topic: name }))
          return {
            close: async () => void (await Promise.all(producers.map((producer) => producer.close()))),
            send: async (messages) => {
              const producer = producers[current === topic ? 0 : 1]
              if (!producer) throw new Error('no producer')
              return producer.send(messages)
            },
          }
        },
      })
      await writeOrders(3)
      await publishedEvents(6, 0)
      current = emptied
      if (late === 0) incarnation = 2
      await writeOrders(1)
      await eventually(
        () => fresh.records().length,
        (count) => count > 0,
      )
      if (late === 1) incarnation = 2
      // What was sent before anybody knew comes first; behind it the whole store, in its order.
      const anew = (): number[] => {
        const sequences = fresh.records().map(({ headers }) => Number(headers['ce_sequence']))
        return [...new Set(sequences.slice(sequences.indexOf(1)))]
      }
      expect(await eventually(anew, ({ length }) => length === 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    },
  )

  it('hears from its producer that the topic was emptied: it sends no more until setup has run', async () => {
    await openTopic()
    let incarnation = 1
    let isEmptied = false
    let failedSends = 0
    start('a', {
      incarnationOf: async () => incarnation,
      isEmptied: async () => isEmptied && incarnation === 1,
      reportEmptied: async () => void (isEmptied = true),
      // As long as the topic is that in which the first order was published.
      makeProducer: (id) =>
        failing(producerOf(id), () => {
          const fails = collector.records().length >= 2 && incarnation === 1
          if (fails) failedSends += 1
          return fails
        }),
    })
    await writeOrders(1)
    await publishedEvents(2, 0)
    await writeOrders(1)
    await eventually(() => isEmptied, Boolean)
    incarnation = 2
    await publishedEvents(4, 2)
    expect(failedSends).toBe(1)
  })

  it('publishes everything again, under the same sequences, once the topic has a new incarnation', async () => {
    await openTopic()
    const first = start('a')
    await writeOrders(3)
    await publishedEvents(6, 0)
    await first.stop()
    await writeOrders(1)
    start('b', { incarnationOf: async () => 2 })
    await publishedEvents(8, 6)
    expect((await shardRecords()).map((record) => record['incarnation'] as number)).toEqual(
      (await shardRecords()).map(() => 2),
    )
  })
})
