import { Pool } from 'undici'
import { connectBareMongo, makeCommits } from './bare-commits.ts'
import { compare, inFlight, timed, toLine, type Bench } from './measure.ts'
import { startServiceProcess } from '../test/support/service-process.ts'
import { ensureStoreIndexes, connectMongo } from '@millrace/mongo'

const CONNECTIONS = 64
const body = JSON.stringify({
  customerId: 'c-1',
  currency: 'USD',
  lines: [{ productId: 'p-1', quantity: 2, amount: 1177 }],
})

/** Commands over HTTP, relay included, against raw majority inserts of the same documents with the same indexes. */
export const benchCommands: Bench = async (servers, { rounds, n = 6_000 }) => {
  const service = await startServiceProcess('command-api', servers)
  const pool = new Pool(service.url, { connections: CONNECTIONS, pipelining: 1 })
  const bare = await connectBareMongo(servers.mongo)
  const rawDatabase = `${servers.database}-raw`
  const raw = bare.collection(rawDatabase, 'commits')
  const indexer = await connectMongo({ url: servers.mongo, database: rawDatabase, clientName: 'bench' })
  await ensureStoreIndexes(indexer)

  const place = async (id: string): Promise<void> => {
    const answer = await pool.request({
      method: 'POST',
      path: `/orders/${id}/place`,
      headers: { 'content-type': 'application/json', 'idempotency-key': `bench-${id}` },
      body,
    })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`place answered ${answer.statusCode}: ${text}`)
  }

  const ours = (round: number) =>
    timed(() => inFlight(n, CONNECTIONS, (index) => place(`r${round}-${index}`)))
  const calibration = async (round: number) => {
    const commits = await makeCommits(`r${round}`, n)
    return timed(() =>
      inFlight(n, CONNECTIONS, async (index) => raw.insertOne(commits[index] ?? { _id: 'none' })),
    )
  }
  try {
    const seconds = await compare(ours, calibration, rounds)
    return [
      toLine(
        { name: 'commands', question: 'main', n, of: 'insertOne majority, 64 in flight, same indexes' },
        seconds,
      ),
    ]
  } finally {
    await pool.close()
    await service.stop()
    await indexer.close()
    await bare.client.close()
  }
}
