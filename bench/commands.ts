import { Pool } from 'undici'
import { connectBareMongo, makeCommits } from './bare-commits.ts'
import {
  compare,
  inFlight,
  timed,
  toLine,
  type Bench,
  type BenchLine,
  type BenchSettings,
} from './measure.ts'
import type { BenchServers } from './servers.ts'
import { startServiceProcess } from '../test/support/service-process.ts'
import { ensureStoreIndexes, connectMongo } from '@millrace/mongo'
import { pause } from '@millrace/runtime'

type Command = {
  readonly path: (id: string) => string
  readonly body: (index: number) => unknown
}

const addProduct: Command = {
  path: (id) => `/products/${id}/add`,
  body: () => ({ name: 'Kettle', category: 'kitchen', price: { amount: 1177, currency: 'USD' } }),
}

/** Each changes a document of `open-orders` in its own transaction. */
const placeOrder: Command = {
  path: (id) => `/orders/${id}/place`,
  body: (index) => ({
    customerId: `c-${index % 1_000}`,
    currency: 'USD',
    lines: [{ productId: 'p-1', quantity: 2, amount: 1177 }],
  }),
}

type Question = {
  readonly question: string
  readonly command: Command
  readonly connections: number
  readonly n: number
  /** Before each call, not counted: the relay is done with what came before. */
  readonly restMs?: number
}

/** Seconds for all calls, rests left out. */
const run = async ({ n, connections, restMs }: Question, work: (index: number) => Promise<unknown>) => {
  if (restMs === undefined) return timed(() => inFlight(n, connections, work))
  let seconds = 0
  for (let index = 0; index < n; index++) {
    await pause(restMs)
    seconds += await timed(() => work(index))
  }
  return seconds
}

type Rig = {
  readonly pool: Pool
  send(command: Command, id: string, index: number): Promise<void>
  insert(commit: Awaited<ReturnType<typeof makeCommits>>[number]): Promise<unknown>
}

const ask = async (rig: Rig, { rounds }: BenchSettings, asked: Question): Promise<BenchLine> => {
  const { question, command, connections, n } = asked
  const ours = (round: number) =>
    run(asked, (index) => rig.send(command, `${question}${round}-${index}`, index))
  const calibration = async (round: number) => {
    const commits = await makeCommits(`${question}${round}`, n)
    return run(asked, async (index) => rig.insert(commits[index] ?? { _id: 'none' }))
  }
  const of = `insertOne majority, ${connections} in flight, same indexes`
  return toLine({ name: 'commands', question, n, of }, await compare(ours, calibration, rounds))
}

const withRig = async <T>(servers: BenchServers, work: (rig: Rig) => Promise<T>): Promise<T> => {
  const service = await startServiceProcess('command-api', servers)
  const pool = new Pool(service.url, { connections: 64, pipelining: 1 })
  const bare = await connectBareMongo(servers.mongo)
  const rawDatabase = `${servers.database}-raw`
  const raw = bare.collection(rawDatabase, 'commits')
  const indexer = await connectMongo({ url: servers.mongo, database: rawDatabase, clientName: 'bench' })
  await ensureStoreIndexes(indexer)
  const send: Rig['send'] = async (command, id, index) => {
    const answer = await pool.request({
      method: 'POST',
      path: command.path(id),
      headers: { 'content-type': 'application/json', 'idempotency-key': `bench-${id}` },
      body: JSON.stringify(command.body(index)),
    })
    const text = await answer.body.text()
    if (answer.statusCode !== 200)
      throw new Error(`${command.path(id)} answered ${answer.statusCode}: ${text}`)
  }
  try {
    return await work({ pool, send, insert: (commit) => raw.insertOne(commit) })
  } finally {
    await pool.close()
    await service.stop()
    await indexer.close()
    await bare.client.close()
  }
}

/** Commands over HTTP, relay included, against raw majority inserts of the same size with the same indexes. */
export const benchCommands: Bench = (servers, settings) => {
  const { n = 6_000 } = settings
  const questions: Question[] = [
    { question: 'main', command: addProduct, connections: 64, n },
    { question: 'inline', command: placeOrder, connections: 64, n },
    { question: 'alone', command: addProduct, connections: 1, n: Math.ceil(n / 40), restMs: 40 },
    { question: 'sequential', command: addProduct, connections: 1, n: Math.ceil(n / 10) },
  ]
  return withRig(servers, async (rig) => {
    const lines: BenchLine[] = []
    for (const question of questions) lines.push(await ask(rig, settings, question))
    return lines
  })
}
