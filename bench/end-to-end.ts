// From a command over HTTP until the read model has its event, with all read models fed by one projector. Commands leave at
// fixed times, whatever became of those before, and their latency counts from then. What the read model has is seen by a
// change stream of it, or, for the line `fresh`, by whoever asks for it with `?after=` as soon as the command is answered:
// query-api then looks again after 5, 10, 20 … ms, which is in that figure.

import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { startServiceProcess, type ServiceProcess } from '../test/support/service-process.ts'
import { connectBareMongo } from './bare-commits.ts'
import { median, quantile, toLine, type Bench, type BenchLine } from './measure.ts'
import { atPace } from './pace.ts'
import type { BenchServers } from './servers.ts'
import { watchOrders, type OrderWatch } from './watch-orders.ts'

const PER_SECOND = 300
const WARM_UP_SECONDS = 10
/** What the median and the 99th percentile may be. */
const TARGET_MS = { p50: 60, p99: 250 } as const

const RETRY_MS = 50

const STEPS = [
  {
    name: 'place',
    body: (order: number) => ({
      customerId: `c-${order % 1_000}`,
      currency: 'USD',
      lines: [{ productId: `p-${order % 300}`, quantity: 2, amount: 1177 }],
    }),
  },
  { name: 'pay', body: () => ({ method: 'card' }) },
  { name: 'ship', body: () => ({ carrier: 'post' }) },
  { name: 'deliver', body: () => ({}) },
] as const

/** Orders between two steps of one order: three seconds, so that the step before is done. */
const LAG = (3 * PER_SECOND) / STEPS.length

type Step = { readonly order: number; readonly step: number }

/** The steps of orders take turns; before there is one to go on with, another is placed. */
const stepAt = (index: number): Step => {
  const step = index % STEPS.length
  const order = Math.floor(index / STEPS.length) - step * LAG
  return order < 0 ? { order: -1 - index, step: 0 } : { order, step }
}

type Target = { readonly commands: Pool; readonly queries: Pool }

/** What is temporary is asked again, and its time counts. */
const textOf = async (pool: Pool, request: Parameters<Pool['request']>[0]): Promise<string> => {
  for (;;) {
    const answer = await pool.request(request)
    const text = await answer.body.text()
    if (answer.statusCode === 200) return text
    if (answer.statusCode !== 503)
      throw new Error(`${request.method} ${request.path} answered ${answer.statusCode}: ${text}`)
    await sleep(RETRY_MS)
  }
}

/** Its position. */
const sendCommand = async ({ commands }: Target, id: string, { order, step }: Step): Promise<string> => {
  const command = STEPS[step]
  if (!command) throw new RangeError(`no step ${step}`)
  const text = await textOf(commands, {
    method: 'POST',
    path: `/orders/${id}/${command.name}`,
    headers: { 'content-type': 'application/json', 'idempotency-key': `${id}-${step}` },
    body: JSON.stringify(command.body(order)),
  })
  return (JSON.parse(text) as { position: string }).position
}

type Wanted = { readonly id: string; readonly after: string; readonly version: number }

const askFresh = async ({ queries }: Target, { id, after, version }: Wanted): Promise<void> => {
  const path = `/read-models/order-summary/${id}?after=${encodeURIComponent(after)}`
  const document = JSON.parse(await textOf(queries, { method: 'GET', path })) as { version: number }
  if (document.version < version)
    throw new Error(`${path} answered version ${document.version}, not ${version}`)
}

type Load = { readonly prefix: string; readonly seconds: number }

/** Milliseconds of each command. */
type RunLoad = (load: Load) => Promise<number[]>

const runWatched =
  (target: Target, watch: OrderWatch): RunLoad =>
  async ({ prefix, seconds }) =>
    atPace({ perSecond: PER_SECOND, seconds }, async (index, dueMs) => {
      const step = stepAt(index)
      const id = `${prefix}-${step.order}`
      const seen = watch.seenAtMs(id, step.step + 1)
      await sendCommand(target, id, step)
      return (await seen) - dueMs
    })

const runFresh =
  (target: Target): RunLoad =>
  async ({ prefix, seconds }) =>
    atPace({ perSecond: PER_SECOND, seconds }, async (index, dueMs) => {
      const step = stepAt(index)
      const id = `${prefix}-${step.order}`
      const after = await sendCommand(target, id, step)
      await askFresh(target, { id, after, version: step.step + 1 })
      return performance.now() - dueMs
    })

type Latency = { readonly p50Ms: number; readonly p99Ms: number }

const inRounds = async (
  rounds: number,
  runs: Readonly<Record<'seen' | 'fresh', RunLoad>>,
  seconds: number,
) => {
  const found = { seen: [] as Latency[], fresh: [] as Latency[] }
  for (const way of ['seen', 'fresh'] as const)
    await runs[way]({ prefix: `${way}-warm-up`, seconds: WARM_UP_SECONDS })
  for (let round = 1; round <= rounds; round++) {
    for (const way of ['seen', 'fresh'] as const) {
      const all = await runs[way]({ prefix: `${way}-${round}`, seconds })
      found[way].push({ p50Ms: quantile(all, 0.5), p99Ms: quantile(all, 0.99) })
    }
  }
  return { seen: medians(found.seen), fresh: medians(found.fresh) }
}

const medians = (all: readonly Latency[]): Latency => ({
  p50Ms: median(all.map(({ p50Ms }) => p50Ms)),
  p99Ms: median(all.map(({ p99Ms }) => p99Ms)),
})

const lineOf = (question: string, latency: Latency, which: 'p50' | 'p99'): BenchLine => {
  const targetMs = TARGET_MS[which]
  const of = `${targetMs} ms at ${which}, ${PER_SECOND} commands a second`
  const seconds = { ours: latency[`${which}Ms`] / 1000, calibration: targetMs / 1000 }
  return toLine({ name: 'end-to-end', question, n: 1, of, ...latency }, seconds)
}

const withServices = async <T>(servers: BenchServers, work: (target: Target) => Promise<T>): Promise<T> => {
  const services: ServiceProcess[] = []
  try {
    for (const name of ['command-api', 'projector', 'query-api'])
      services.push(await startServiceProcess(name, servers))
    const [commandApi, , queryApi] = services
    const commands = new Pool(commandApi?.url ?? '', { connections: 128, pipelining: 1 })
    const queries = new Pool(queryApi?.url ?? '', { connections: 256, pipelining: 1 })
    const result = await work({ commands, queries })
    await Promise.all([commands.close(), queries.close()])
    return result
  } finally {
    await Promise.all(services.map((service) => service.stop()))
  }
}

/** `n` commands a round, at 300 a second; of all steps of an order's life. */
export const benchEndToEnd: Bench = async (servers, { rounds, n = 9_000 }) => {
  const bare = await connectBareMongo(servers.mongo)
  const watch = await watchOrders(bare.collection(servers.database, 'readModel.order-summary.v1'))
  try {
    const { seen, fresh } = await withServices(servers, (target) =>
      inRounds(rounds, { seen: runWatched(target, watch), fresh: runFresh(target) }, n / PER_SECOND),
    )
    return [lineOf('main', seen, 'p50'), lineOf('p99', seen, 'p99'), lineOf('fresh', fresh, 'p50')]
  } finally {
    await watch.close()
    await bare.client.close()
  }
}
