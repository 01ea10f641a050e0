import { randomUUID } from 'node:crypto'
import { Kafka, logLevel, type Message } from 'kafkajs'
import { topics } from '@millrace/events'
import { connectKafka } from '@millrace/kafka'
import {
  connectMongo,
  mongoLeases,
  mongoPublications,
  topicIncarnations,
  type PlannedCommit,
} from '@millrace/mongo'
import { silentLogger } from '@millrace/runtime'
import { startRelay } from '../services/command-api/src/relay/relay.ts'
import { toMessages } from '../services/command-api/src/relay/to-messages.ts'
import { connectBareMongo, makeCommits } from './bare-commits.ts'
import { compare, timed, toLine, type Bench } from './measure.ts'
import type { BenchServers } from './servers.ts'

const BATCH = 1_000
const topic = topics['orders.order.events']

/** The relay's own messages, cut into the sends a bare producer would make. */
const bareSends = async (n: number): Promise<{ partition: number; messages: Message[] }[]> => {
  const commits = (await makeCommits('bare', n)) as unknown as (PlannedCommit & { partition: number })[]
  return [...Map.groupBy(commits, ({ partition }) => partition)].flatMap(([partition, group]) => {
    const plain = group.map((commit) => ({
      ...commit,
      events: commit.events.map((event) => ({
        ...event,
        bytes: Buffer.from(new Uint8Array((event.bytes as unknown as { buffer: Uint8Array }).buffer)),
      })),
    }))
    const messages = toMessages(plain, 1).map((message) => ({
      ...message,
      partition,
      timestamp: String(message.timestamp),
    }))
    return Array.from({ length: Math.ceil(messages.length / BATCH) }, (_, index) => ({
      partition,
      messages: messages.slice(index * BATCH, (index + 1) * BATCH),
    }))
  })
}

const drainBacklog = async (servers: BenchServers): Promise<number> => {
  const mongo = await connectMongo({ url: servers.mongo, database: servers.database, clientName: 'bench' })
  const publications = mongoPublications(mongo)
  const kafka = connectKafka({ brokers: [servers.kafka], clientId: 'bench', logger: silentLogger })
  let left = await publications.countPending()
  const drained = Promise.withResolvers<void>()
  const onPublished = (_: unknown, events: number): void => {
    left -= events
    if (left <= 0) drained.resolve()
  }
  let relay: ReturnType<typeof startRelay> | undefined
  const seconds = await timed(async () => {
    relay = startRelay(
      {
        publications,
        leases: mongoLeases(mongo),
        incarnationOf: topicIncarnations(mongo).current,
        isEmptied: topicIncarnations(mongo).isEmptied,
        reportEmptied: topicIncarnations(mongo).reportEmptied,
        owner: randomUUID(),
        leaseMs: 5_000,
        pollMs: 250,
        logger: silentLogger,
        onPublished,
      },
      kafka,
    )
    await drained.promise
  })
  await relay?.stop()
  await mongo.close()
  return seconds
}

/** Draining a backlog, records and marks included, against a bare kafkajs producer of the same bytes and headers. */
export const benchRelay: Bench = async (servers, { rounds, n = 60_000 }) => {
  const bare = await connectBareMongo(servers.mongo)
  const commits = bare.collection(servers.database, 'commits')
  const kafka = new Kafka({ brokers: [servers.kafka], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ idempotent: true, allowAutoTopicCreation: false })
  await producer.connect()
  const sends = await bareSends(n)

  const ours = async (round: number): Promise<number> => {
    const backlog = await makeCommits(`relay${round}`, n)
    for (let from = 0; from < n; from += BATCH)
      await commits.insertMany(backlog.slice(from, from + BATCH), { ordered: false })
    return drainBacklog(servers)
  }
  const calibration = () =>
    timed(async () => {
      for (const { messages } of sends) await producer.send({ topic: 'bench.bare', acks: -1, messages })
    })
  const admin = kafka.admin()
  await admin.createTopics({ topics: [{ topic: 'bench.bare', numPartitions: topic.partitions }] })
  await admin.disconnect()
  try {
    const seconds = await compare(ours, calibration, rounds)
    return [
      toLine(
        { name: 'relay', question: 'main', n, of: 'kafkajs producer, same bytes and headers, 1,000 a send' },
        seconds,
      ),
    ]
  } finally {
    await producer.disconnect()
    await bare.client.close()
  }
}
