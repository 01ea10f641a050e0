import { connectMongo, ensureStoreIndexes, mongoEventStore, type NewCommit } from '@millrace/mongo'
import { connectBareMongo, makeCommits } from './bare-commits.ts'
import { compare, inFlight, timed, toLine, type Bench } from './measure.ts'

const BATCH = 1_000
/** Appends under way: an import or a busy replica keeps about as many waiting. */
const WAITING = 1_024

type Stored = Awaited<ReturnType<typeof makeCommits>>[number]

/** What the library is given; the rest of the stored document it makes itself. */
const toNewCommit = ({ last: _last, committedAt: _at, pending: _pending, ...commit }: Stored): NewCommit => {
  const { events, ...rest } = commit as unknown as NewCommit
  return {
    ...rest,
    events: events.map((event) => {
      const { buffer: view } = event.bytes as unknown as { buffer: Uint8Array }
      return { ...event, bytes: Buffer.from(view) }
    }),
  }
}

/** Single-event commits through the event store, each answered by itself, against insertMany of the same documents. */
export const benchAppend: Bench = async (servers, { rounds, n = 40_000 }) => {
  const mongo = await connectMongo({ url: servers.mongo, database: servers.database, clientName: 'bench' })
  const rawDatabase = `${servers.database}-raw`
  const indexer = await connectMongo({ url: servers.mongo, database: rawDatabase, clientName: 'bench' })
  await ensureStoreIndexes(indexer)
  const bare = await connectBareMongo(servers.mongo)
  const raw = bare.collection(rawDatabase, 'commits')
  const store = mongoEventStore(mongo)

  const ours = async (round: number) => {
    const commits = (await makeCommits(`append${round}`, n)).map(toNewCommit)
    return timed(() =>
      inFlight(n, WAITING, async (index) => {
        const commit = commits[index]
        const outcome = commit && (await store.append(commit))
        if (outcome?.type !== 'appended') throw new Error(`append came to ${outcome?.type}`)
      }),
    )
  }
  const calibration = async (round: number) => {
    const commits = await makeCommits(`append${round}`, n)
    return timed(async () => {
      for (let from = 0; from < n; from += BATCH)
        await raw.insertMany(commits.slice(from, from + BATCH), { ordered: false })
    })
  }
  try {
    const seconds = await compare(ours, calibration, rounds)
    const of = `insertMany majority, ${BATCH} a call, same documents and indexes`
    return [toLine({ name: 'append', question: 'main', n, of }, seconds)]
  } finally {
    await mongo.close()
    await indexer.close()
    await bare.client.close()
  }
}
