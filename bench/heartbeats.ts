import { Pool } from 'undici'
import { topicConfigEntries, topics } from '@millrace/events'
import {
  connectKafka,
  ensureTopics,
  fetchEndOffsets,
  readPartition,
  type KafkaConnection,
  type KafkaRecord,
} from '@millrace/kafka'
import { silentLogger } from '@millrace/runtime'
import { startServiceProcess } from '../test/support/service-process.ts'
import { startBareProducer, type BareSend } from './bare-producer.ts'
import { heartbeatOf } from './heartbeat-shape.ts'
import { compare, inFlight, timed, toLine, type Bench } from './measure.ts'

const TOPIC = topics['heartbeat.received']
const BARE_TOPIC = 'bench.heartbeats'
const PROCESSES = 1_000
const BATCH = 500
/** Here and in the calibration. */
const CLIENTS = 8
/** So many requests are written once, and sent again and again. */
const DISTINCT = 40

const makeBodies = (): Buffer[] =>
  Array.from({ length: DISTINCT }, (_, request) => {
    const all = Array.from({ length: BATCH }, (_, index) => heartbeatOf(request * BATCH + index, PROCESSES))
    return Buffer.from(JSON.stringify(all))
  })

const post = async (pool: Pool, body: Buffer | undefined): Promise<void> => {
  const answer = await pool.request({
    method: 'POST',
    path: '/heartbeats',
    headers: { 'content-type': 'application/json' },
    body: body ?? '',
  })
  const text = await answer.body.text()
  if (answer.statusCode !== 202) throw new Error(`/heartbeats answered ${answer.statusCode}: ${text}`)
}

const postAll = (pool: Pool, bodies: readonly Buffer[], requests: number): Promise<void> =>
  inFlight(requests, CLIENTS, (index) => post(pool, bodies[index % bodies.length]))

const readFrom = async (kafka: KafkaConnection, starts: ReadonlyMap<number, bigint>) => {
  const records: KafkaRecord[] = []
  for (const [partition, from] of starts)
    for await (const chunk of readPartition(kafka, { topic: TOPIC.name, partition, from }))
      records.push(...chunk)
  return records
}

/** The very records that requests became, a send each; ticks are nobody's request. */
const toSends = (records: readonly KafkaRecord[]): BareSend[] => {
  const textOf = ({ headers }: KafkaRecord, name: string): string => String(headers[name])
  const heartbeats = records.filter((record) => textOf(record, 'ce_type') === 'HeartbeatReceived')
  const requests = Map.groupBy(heartbeats, (record) => textOf(record, 'ce_correlationid'))
  return [...requests.values()].map((request) => ({
    messages: request.map(({ partition, key, value, headers }) => ({
      partition,
      key: key && String(key),
      value,
      headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)])),
    })),
  }))
}

const createBareTopic = (kafka: KafkaConnection) =>
  ensureTopics(kafka, [
    {
      ...{ name: BARE_TOPIC, partitions: TOPIC.partitions, replicationFactor: 1 },
      config: topicConfigEntries(TOPIC),
    },
  ])

/** Heartbeats over HTTP against a bare producer of the records that they become. */
export const benchHeartbeats: Bench = async (servers, { rounds, n = 100_000 }) => {
  const kafka = connectKafka({ brokers: [servers.kafka], clientId: 'bench', logger: silentLogger })
  await createBareTopic(kafka)
  const service = await startServiceProcess('command-api', servers)
  const pool = new Pool(service.url, { connections: CLIENTS, pipelining: 1 })
  try {
    const bodies = makeBodies()
    const starts = await fetchEndOffsets(kafka, TOPIC.name)
    await postAll(pool, bodies, DISTINCT)
    const sends = toSends(await readFrom(kafka, starts))
    const times = Math.max(1, Math.round(n / (BATCH * DISTINCT)))
    const producer = await startBareProducer({
      broker: servers.kafka,
      topic: BARE_TOPIC,
      sends,
      times,
      width: CLIENTS,
    })
    const requests = times * DISTINCT
    const seconds = await compare(
      () => timed(() => postAll(pool, bodies, requests)),
      producer.produce,
      rounds,
    )
    await producer.close()
    const of = `kafkajs producer, same records, ${BATCH} a send, ${CLIENTS} sends in flight`
    return [toLine({ name: 'heartbeats', question: 'main', n: requests * BATCH, of }, seconds)]
  } finally {
    await pool.close()
    await service.stop()
  }
}
