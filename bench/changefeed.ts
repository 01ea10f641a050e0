// Changes of a read model at a steady pace, by plain upserts, until Kafka has each of them: from when the database made it
// until the broker took its record. What an upsert waits for before it is made is no lag of the feed; how many were made a
// second is told beside it.

import { processes, processKeyOf, versionedName } from '@millrace/domain'
import { connectMongo } from '@millrace/mongo'
import { startServiceProcess } from '../test/support/service-process.ts'
import { connectBareMongo, type BareMongo } from './bare-commits.ts'
import { heartbeatOf } from './heartbeat-shape.ts'
import { median, quantile, timed, toLine, type Bench } from './measure.ts'
import { atPace } from './pace.ts'
import type { BenchServers } from './servers.ts'
import { createChangesTopic, watchChanges, type ChangeWatch } from './watch-changes.ts'

const PER_SECOND = 1_000
const PROCESSES = 1_000
const WARM_UP_SECONDS = 5
/** What the lag may be at any time. */
const TARGET_MS = 2_000

/** Changes until now: each document says which one made it. */
type Load = { readonly collection: ReturnType<BareMongo['collection']>; changes: number }

const change = async (load: Load): Promise<void> => {
  const version = load.changes++
  const { at: _, ...body } = heartbeatOf(version, PROCESSES)
  const key = processKeyOf(body)
  const now = { $toLong: '$$NOW' }
  const state = { ...body, status: 'alive', lastSeenAt: now, changedAt: now }
  const document = { _id: `demo/${key}`, _tenant: 'demo', key, ...state, version }
  await load.collection.updateOne({ _id: document._id }, [{ $replaceWith: document }], { upsert: true })
}

type Lag = {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** That were made, whatever the pace. */
  readonly perSecond: number
}

const runLoad = async (load: Load, watch: ChangeWatch, seconds: number): Promise<Lag> => {
  const from = load.changes
  const took = await timed(() => atPace({ perSecond: PER_SECOND, seconds }, () => change(load)))
  const lags = await watch.lagsMs({ from, to: load.changes })
  return {
    ...{ p50Ms: quantile(lags, 0.5), p99Ms: quantile(lags, 0.99), maxMs: Math.max(...lags) },
    perSecond: lags.length / took,
  }
}

const inRounds = async (
  servers: BenchServers,
  { load, rounds, n }: { readonly load: Load; readonly rounds: number; readonly n: number },
): Promise<Lag[]> => {
  const mongo = await connectMongo({ url: servers.mongo, database: servers.database, clientName: 'bench' })
  const topic = `bench-${process.pid}.changed`
  const partitions = await createChangesTopic(servers, mongo, topic)
  await mongo.close()
  const watch = await watchChanges(servers, { topic, partitions })
  const service = await startServiceProcess('changefeed', servers, {
    CHANGEFEEDS: `${processes.name}=${topic}`,
  })
  try {
    // The feed has begun once this one is there.
    await change(load)
    await watch.lagsMs({ from: 0, to: 1 })
    await runLoad(load, watch, WARM_UP_SECONDS)
    const lags: Lag[] = []
    for (let round = 0; round < rounds; round++) lags.push(await runLoad(load, watch, n / PER_SECOND))
    return lags
  } finally {
    await service.stop()
  }
}

/** `n` changes a round, at 1,000 a second. The worst lag of all rounds counts. */
export const benchChangefeed: Bench = async (servers, { rounds, n = 30_000 }) => {
  const bare = await connectBareMongo(servers.mongo)
  const collection = bare.collection(servers.database, `readModel.${versionedName(processes)}`)
  try {
    const lags = await inRounds(servers, { load: { collection, changes: 0 }, rounds, n })
    const maxMs = Math.max(...lags.map((lag) => lag.maxMs))
    const p50Ms = median(lags.map((lag) => lag.p50Ms))
    const p99Ms = median(lags.map((lag) => lag.p99Ms))
    const perSecond = Math.round(median(lags.map((lag) => lag.perSecond)))
    const of = `${TARGET_MS} ms at most, at ${perSecond} changes a second (${PER_SECOND} wanted)`
    const about = { name: 'changefeed', question: 'main', n: 1, of, p50Ms, p99Ms, maxMs }
    return [toLine(about, { ours: maxMs / 1000, calibration: TARGET_MS / 1000 })]
  } finally {
    await bare.client.close()
  }
}
