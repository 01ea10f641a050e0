import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
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
import { startBareProducer, type BareSend } from './bare-producer.ts'
import { compare, timed, toLine, type Bench, type BenchLine, type BenchSettings } from './measure.ts'
import type { BenchServers } from './servers.ts'

const BATCH = 1_000
const topic = topics['orders.order.events']

/** The relay's own messages, cut into the sends a bare producer would make. */
const bareSends = async (n: number): Promise<BareSend[]> => {
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

type Bare = Awaited<ReturnType<typeof connectBareMongo>>

const fillBacklog = async (servers: BenchServers, bare: Bare, backlog: { name: string; n: number }) => {
  const commits = bare.collection(servers.database, 'commits')
  for (let from = 0; from < backlog.n; from += BATCH) {
    const batch = await makeCommits(`${backlog.name}-${from}`, Math.min(BATCH, backlog.n - from))
    await commits.insertMany(batch, { ordered: false })
  }
}

/** Against a bare kafkajs producer of the same bytes and headers. */
const askMain = async (servers: BenchServers, bare: Bare, { rounds, n = 60_000 }: BenchSettings) => {
  const kafka = new Kafka({ brokers: [servers.kafka], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.createTopics({ topics: [{ topic: 'bench.bare', numPartitions: topic.partitions }] })
  await admin.disconnect()
  const sends = await bareSends(n)
  const producer = await startBareProducer({ broker: servers.kafka, topic: 'bench.bare', sends })
  const ours = async (round: number): Promise<number> => {
    await fillBacklog(servers, bare, { name: `relay${round}`, n })
    return drainBacklog(servers)
  }
  const seconds = await compare(ours, producer.produce, rounds)
  await producer.close()
  const of = 'kafkajs producer, same bytes and headers, 1,000 a send'
  return toLine({ name: 'relay', question: 'main', n, of }, seconds)
}

const LARGE = 1_000_000
const SMALL = 50_000

/** A large backlog against small ones before and after it: it has to drain as fast. */
const askBacklog = async (servers: BenchServers, bare: Bare): Promise<BenchLine> => {
  const drain = async (name: string, n: number): Promise<number> => {
    await fillBacklog(servers, bare, { name, n })
    return drainBacklog(servers)
  }
  const before = await drain('small1', SMALL)
  const large = await drain('large', LARGE)
  const after = await drain('small2', SMALL)
  const calibration = ((before + after) / 2) * (LARGE / SMALL)
  const about = { name: 'relay', question: 'backlog', n: LARGE, of: `the same with a backlog of ${SMALL}` }
  return toLine(about, { ours: large, calibration })
}

/** Draining a backlog, records and marks included. */
export const benchRelay: Bench = async (servers, settings) => {
  const bare = await connectBareMongo(servers.mongo)
  try {
    const main = await askMain(servers, bare, settings)
    return settings.n === undefined ? [main, await askBacklog(servers, bare)] : [main]
  } finally {
    await bare.client.close()
  }
}
