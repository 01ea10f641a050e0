import { isDeepStrictEqual } from 'node:util'
import { processState, versionedName } from '@millrace/domain'
import { connectCodec, topics } from '@millrace/events'
import {
  connectKafka,
  fetchEndOffsets,
  loadLastValues,
  type KafkaConnection,
  type LastValues,
} from '@millrace/kafka'
import { connectMongo, mongoLaneStates, type MongoConnection } from '@millrace/mongo'
import { pause, silentLogger } from '@millrace/runtime'
import { startServiceProcess } from '../test/support/service-process.ts'
import { compare, timed, toLine, type Bench, type Measured } from './measure.ts'
import type { BenchServers } from './servers.ts'
import { openStateLog } from './state-log.ts'

const SOURCE = topics['process.state']
const SNAPSHOTS = topics['process.state.snapshot']
const KEYS = 10_000
/** Changes that are in no snapshot yet. */
const TAIL = 5_000
const LOOK_EVERY_MS = 200
const PARTITIONS = Array.from({ length: SOURCE.partitions }, (_, partition) => partition)

type Rig = {
  readonly servers: BenchServers
  readonly kafka: KafkaConnection
  readonly mongo: MongoConnection
}

/** As in production: every partition of the source, as far as it goes now. */
const takeSnapshots = async ({ servers, kafka, mongo }: Rig): Promise<void> => {
  const compactor = await startServiceProcess('compactor', servers)
  try {
    const ends = await fetchEndOffsets(kafka, SOURCE.name)
    const isDone = async (): Promise<boolean> => {
      const books = await mongoLaneStates(mongo).checkpoints(`snapshots.${versionedName(processState)}`)
      const done = new Map(
        books.flatMap(({ id, nextOffset }) => (id.topic === SOURCE.name ? [[id.partition, nextOffset]] : [])),
      )
      return [...ends].every(([partition, end]) => BigInt(done.get(partition) ?? -1) === end)
    }
    while (!(await isDone())) await pause(LOOK_EVERY_MS)
  } finally {
    await compactor.stop()
  }
}

type By = 'snapshot' | 'source'

/** A new consumer, but for its group: connected to nothing, and no schema read. */
const loadAll = async ({ servers }: Rig, by: By): Promise<LastValues[]> => {
  const connection = connectKafka({ brokers: [servers.kafka], clientId: 'bench', logger: silentLogger })
  const codec = await connectCodec({ registryUrl: servers.registry, writes: [] })
  const snapshots = by === 'snapshot' ? SNAPSHOTS.name : null
  return Promise.all(
    PARTITIONS.map((partition) =>
      loadLastValues({ connection, codec }, { source: SOURCE.name, snapshots, partition }),
    ),
  )
}

const loading =
  (rig: Rig, by: By): Measured =>
  () =>
    timed(() => loadAll(rig, by))

const assertSame = async (rig: Rig): Promise<void> => {
  const bySnapshot = await loadAll(rig, 'snapshot')
  const bySource = await loadAll(rig, 'source')
  const values = bySource.reduce((sum, one) => sum + one.values.size, 0)
  if (values !== KEYS) throw new Error(`the topic has ${values} values, not ${KEYS}`)
  if (!isDeepStrictEqual(bySnapshot, bySource))
    throw new Error('the snapshot gives other values than the topic')
}

const recordsOf = async ({ kafka }: Rig, topic: string): Promise<number> =>
  [...(await fetchEndOffsets(kafka, topic)).values()].reduce((sum, end) => sum + Number(end), 0)

/** Last values of all keys from their snapshot and the changes behind it, against all changes. */
export const benchCompact: Bench = async (servers, { rounds, n = 1_000_000 }) => {
  const kafka = connectKafka({ brokers: [servers.kafka], clientId: 'bench', logger: silentLogger })
  const mongo = await connectMongo({ url: servers.mongo, database: servers.database, clientName: 'bench' })
  const rig: Rig = { servers, kafka, mongo }
  const log = await openStateLog(servers, KEYS)
  try {
    await log.grow(n - TAIL)
    await takeSnapshots(rig)
    await log.grow(TAIL)
    await assertSame(rig)
    const seconds = await compare(loading(rig, 'snapshot'), loading(rig, 'source'), rounds)
    const records = await recordsOf(rig, SNAPSHOTS.name)
    const of = `all of the topic; ${KEYS} keys, ${records} records of snapshots, ${TAIL} changes behind them`
    return [toLine({ name: 'compact', question: 'main', n, of }, seconds)]
  } finally {
    await log.close()
    await mongo.close()
  }
}
