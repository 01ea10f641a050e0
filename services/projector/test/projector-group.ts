/*
 * Projectors in processes of their own, each with a MongoDB and a registry that can be taken away from it alone, on a
 * Kafka that nobody else writes to. Events come from an order load, or as a test puts them there; they are no commits.
 */
import { orderHistory, type OrderHistory } from '@millrace/domain'
import { connectCodec, readRecord, topics, type Codec, type RecordedEvent } from '@millrace/events'
import { connectKafka, fetchEndOffsets, type KafkaConnection, type KafkaRecord } from '@millrace/kafka'
import { silentLogger } from '@millrace/runtime'
import { eventually, startMongoProxy, startTcpProxy, type MongoProxy, type TcpProxy } from '@millrace/testkit'
import { collectRecords } from '../../../test/support/collect-records.ts'
import { startOwnServer } from '../../../test/support/own-server.ts'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { storedDocuments } from './expected-documents.ts'

const TOPIC = topics['orders.order.events']
const PATIENT = { timeoutMs: 60_000 }

export type Checkpoint = {
  readonly _id: { readonly projection: string; readonly topic: string; readonly partition: number }
  readonly owner: string
  readonly epoch: number
  readonly nextOffset: number
  readonly lastSequence: number
}

export type Member = ServiceProcess & {
  readonly mongo: MongoProxy
  readonly registry: TcpProxy
  /** Sum over all labels. */
  metric(name: string): Promise<number>
  /** Of a path of its admin server. */
  status(path: string): Promise<number>
}

export type ProjectorGroup = {
  readonly servers: TestServers
  readonly kafka: KafkaConnection
  readonly codec: Codec
  /** `isWithoutRegistry`: it is not there until the test says so. */
  start(env?: Readonly<Record<string, string>>, more?: { isWithoutRegistry?: boolean }): Promise<Member>
  checkpoints(): Promise<Checkpoint[]>
  /** Last sequence of each partition of the orders in the order history. */
  applied(): Promise<number[]>
  untilApplied(goal: readonly number[]): Promise<void>
  /** Everything that the topic has. */
  records(): Promise<readonly KafkaRecord[]>
  /** Order histories as they are, and as the fold of these records says: each names every event in it. */
  histories(records: readonly KafkaRecord[]): Promise<{ stored: unknown; folded: unknown }>
  stop(): Promise<void>
}

export const startProjectorGroup = async (name: string): Promise<ProjectorGroup> => {
  const ownKafka = await startOwnServer('kafka')
  const servers = await prepareServers({ name, kafka: ownKafka.url })
  const kafka = connectKafka({ brokers: [ownKafka.url], clientId: 'test', logger: silentLogger })
  const codec = await connectCodec({ registryUrl: servers.registry })
  const members: Member[] = []
  const checkpoints = (): Promise<Checkpoint[]> =>
    servers.mongoConnection.db.collection('checkpoints').find().toArray() as unknown as Promise<Checkpoint[]>
  const applied = async (): Promise<number[]> => {
    const build = `${orderHistory.name}.${orderHistory.version}`
    const found = (await checkpoints()).filter(({ _id }) => _id.projection === build)
    return Array.from(
      { length: TOPIC.partitions },
      (_, partition) => found.find(({ _id }) => _id.partition === partition)?.lastSequence ?? 0,
    )
  }
  return {
    ...{ servers, kafka, codec, checkpoints, applied },
    start: async (env = {}, { isWithoutRegistry = false } = {}) => {
      const member = await startMember(servers, { PROJECTIONS: orderHistory.name, ...env }, isWithoutRegistry)
      members.push(member)
      return member
    },
    untilApplied: async (goal) =>
      void (await eventually(
        applied,
        (now) => goal.every((count, partition) => (now[partition] ?? 0) >= count),
        PATIENT,
      )),
    records: () => recordsOf(ownKafka.url, kafka),
    histories: async (records) => ({
      stored: await storedDocuments(orderHistory, servers.mongoConnection),
      folded: foldOf(await readAll(codec, records)),
    }),
    stop: async () => {
      await Promise.all(members.map((member) => member.stop()))
      await Promise.all(members.flatMap(({ mongo, registry }) => [mongo.close(), registry.close()]))
      await servers.stop()
      await ownKafka.stop()
    },
  }
}

export const startMember = async (
  servers: TestServers,
  env: Readonly<Record<string, string>>,
  isWithoutRegistry = false,
): Promise<Member> => {
  const [mongo, registry] = await Promise.all([
    startMongoProxy(addressOf(servers.mongo)),
    startTcpProxy(addressOf(servers.registry)),
  ])
  if (isWithoutRegistry) registry.goDown()
  // Without a server it gives up sooner than it would.
  const options = 'directConnection=true&serverSelectionTimeoutMS=2000'
  const url = { mongo: `mongodb://${mongo.host}/?${options}`, registry: new URL(servers.registry) }
  url.registry.host = registry.host
  const started = await startServiceProcess(
    'projector',
    { ...servers, mongo: url.mongo, registry: url.registry.href },
    env,
  )
  return {
    ...started,
    mongo,
    registry,
    metric: (name) => metricOf(started, name),
    status: async (path) => (await fetch(new URL(path, started.admin))).status,
  }
}

const addressOf = (url: string): { host: string; port: number } => {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

const metricOf = async ({ admin }: ServiceProcess, name: string): Promise<number> => {
  const text = await (await fetch(new URL('/metrics', admin))).text()
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))]
  return values.reduce((sum, match) => sum + Number(match[1]), 0)
}

const recordsOf = async (broker: string, kafka: KafkaConnection): Promise<readonly KafkaRecord[]> => {
  const ends = [...(await fetchEndOffsets(kafka, TOPIC.name)).values()]
  const count = Number(ends.reduce((sum, end) => sum + end, 0n))
  const collector = await collectRecords(broker, TOPIC.name)
  try {
    return await eventually(
      () => collector.records(),
      ({ length }) => length >= count,
      PATIENT,
    )
  } finally {
    await collector.stop()
  }
}

const readAll = async (codec: Codec, records: readonly KafkaRecord[]): Promise<RecordedEvent[]> => {
  await codec.ensureWriters(records.flatMap(({ value }) => (value ? [codec.writerIdOf(value)] : [])))
  return records.map((record) =>
    readRecord(codec, { ...record, topic: TOPIC.name, value: record.value ?? Buffer.alloc(0) }),
  )
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
