import { processKeyOf } from '@millrace/domain'
import { connectCodec, topics, type ProcessState } from '@millrace/events'
import { loadLastValues } from '@millrace/kafka'
import { pause } from '@millrace/runtime'
import type { AnyBulkWriteOperation, Document } from 'mongodb'
import { startServiceProcess } from '../test/support/service-process.ts'
import { fillHeartbeats } from './heartbeat-log.ts'
import { heartbeatOf } from './heartbeat-shape.ts'
import { compare, timed, toLine, type Bench, type BenchLine, type Measured } from './measure.ts'
import { openProjectorRig, type ProjectorRig } from './projection-run.ts'
import { startTable, type TableRun } from './table-run.ts'

const TARGET = topics['process.state']
const PROCESSES = 1_000
const BATCH = 1_000
const LOOK_EVERY_MS = 5

const OF = `bare bulkWrite of an upsert each, by process, unordered, ${BATCH} a call`

type Stored = Document & { _id: string }
type Setting = { readonly rig: ProjectorRig; readonly n: number; readonly rounds: number }

/** The same heartbeats, at hand, an upsert each. */
const upserting = ({ rig, n }: Setting): Measured => {
  const collection = rig.bare.collection(rig.servers.database, 'bench.heartbeats')
  const toUpsert = (index: number): AnyBulkWriteOperation<Stored> => {
    const body = heartbeatOf(index, PROCESSES)
    return { replaceOne: { filter: { _id: `demo/${processKeyOf(body)}` }, replacement: body, upsert: true } }
  }
  return async () => {
    let seconds = 0
    for (let from = 0; from < n; from += BATCH) {
      const length = Math.min(BATCH, n - from)
      const upserts = Array.from({ length }, (_, index) => toUpsert(from + index))
      seconds += await timed(() => collection.bulkWrite(upserts, { ordered: false }))
    }
    await collection.drop()
    return seconds
  }
}

/** By its key, the last heartbeat of each. */
const lastBeats = (n: number): Map<string, number> => {
  const last = new Map<string, number>()
  for (let index = Math.max(0, n - PROCESSES); index < n; index++) {
    const body = heartbeatOf(index, PROCESSES)
    last.set(`demo/${processKeyOf(body)}`, body.beat)
  }
  return last
}

const assertLast = (n: number, found: ReadonlyMap<string, number>): void => {
  const last = lastBeats(n)
  const wrong = [...last].filter(([key, beat]) => found.get(key) !== beat)
  if (found.size !== last.size || wrong.length > 0)
    throw new Error(`of ${last.size} processes ${found.size} were found, ${wrong.length} not as last heard`)
}

/** From offset 0 until it is done, checked, and forgotten afterwards. */
const folding = ({ rig, n }: Setting, untilDone: (run: TableRun) => Promise<number>): Measured => {
  const { bare, servers } = rig
  return async () => {
    const run = await startTable(rig, n)
    const seconds = await untilDone(run)
    await run.stop()
    const states = bare.collection(servers.database, run.collection)
    const beats = (await states.find().toArray()).map(({ _id, beat }) => [_id, Number(beat)] as const)
    assertLast(n, new Map(beats))
    await states.drop()
    await bare.collection(servers.database, 'outbox').deleteMany({})
    return seconds
  }
}

const askMain = async (setting: Setting): Promise<BenchLine> => {
  const { n, rounds } = setting
  const seconds = await compare(
    folding(setting, (run) => run.seconds),
    upserting(setting),
    rounds,
  )
  return toLine({ name: 'state', question: 'main', n, of: OF }, seconds)
}

/** Until nothing waits in the outbox any more. */
const untilRelayed = async ({ bare, servers }: ProjectorRig, run: TableRun): Promise<number> => {
  await run.seconds
  const outbox = bare.collection(servers.database, 'outbox')
  while (await outbox.findOne({ topic: TARGET.name })) await pause(LOOK_EVERY_MS)
  return run.elapsed()
}

const publishedBeats = async ({ rig }: Setting): Promise<Map<string, number>> => {
  const codec = await connectCodec({ registryUrl: rig.servers.registry, writes: [] })
  const beats = new Map<string, number>()
  for (let partition = 0; partition < TARGET.partitions; partition++) {
    const compacted = { source: TARGET.name, snapshots: null, partition }
    const { values } = await loadLastValues({ connection: rig.kafka, codec }, compacted)
    for (const [key, { doc }] of values) beats.set(key, (doc as ProcessState).beat)
  }
  return beats
}

/** The same, with the relay of the outbox beside it: until process.state has everything. */
const askRelayed = async (setting: Setting): Promise<BenchLine> => {
  const { rig, n, rounds } = setting
  // A tick would be one more record, and time would pass.
  const service = await startServiceProcess('command-api', rig.servers, { TICK_EVERY_MS: '0' })
  try {
    const ours = folding(setting, (run) => untilRelayed(rig, run))
    const seconds = await compare(ours, upserting(setting), rounds)
    assertLast(n, await publishedBeats(setting))
    return toLine({ name: 'state', question: 'relayed', n, of: OF }, seconds)
  } finally {
    await service.stop()
  }
}

/** process.state from heartbeats that wait in their topic: states, checkpoints and messages in the outbox. */
export const benchState: Bench = async (servers, { rounds, n = 200_000, questions }) => {
  const rig = await openProjectorRig(servers)
  const setting: Setting = { rig, n, rounds }
  const asks = (question: string): boolean => questions.length === 0 || questions.includes(question)
  const lines: BenchLine[] = []
  try {
    await fillHeartbeats(servers, { n, processes: PROCESSES })
    if (asks('main')) lines.push(await askMain(setting))
    if (asks('relayed')) lines.push(await askRelayed(setting))
    return lines
  } finally {
    await rig.close()
  }
}
