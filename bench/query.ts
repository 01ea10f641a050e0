import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { versionedName } from '@millrace/domain'
import { startServiceProcess } from '../test/support/service-process.ts'
import { startChildServer } from './child-server.ts'
import { doorEnvironment, signToken } from './door-identity.ts'
import { compare, toLine, type Bench, type BenchLine } from './measure.ts'
import { openOrderLog, TOPIC } from './order-log.ts'
import { indexed, openProjectorRig, project, projectionNamed, type ProjectorRig } from './projection-run.ts'
import type { BenchServers } from './servers.ts'

const summary = projectionNamed('order-summary')
const dashboard = projectionNamed('customer-dashboard')

const EVENTS = 40_000
/** Enough orders each that most have a partial of every partition. */
const CUSTOMERS = 250
const DOCUMENTS = 1_000
const PAGE = 50
/** A second or two each: on a machine that others use as well, many short rounds agree sooner than a few long ones. */
const SHORT_ROUNDS = 4
/** autocannon notices at a sample that it is done. */
const SAMPLE_MS = 20

/** Read models as the projector makes them, under the names of the builds that are served. */
const fill = async (rig: ProjectorRig, servers: BenchServers): Promise<void> => {
  const log = await openOrderLog(servers, { customers: CUSTOMERS, products: 300, ordersPerDay: 15_000 })
  await log.growTo(EVENTS)
  await log.close()
  for (const projection of [summary, dashboard]) {
    await indexed(rig, versionedName(projection), projection)
    await project(rig, { projection, build: versionedName(projection), events: EVENTS })
  }
}

type Question = {
  readonly question: string
  readonly of: string
  /** Of one of our requests, and of the same one to the calibration. */
  readonly paths: readonly { readonly ours: string; readonly bare: string }[]
  readonly rounds: number
  readonly n: number
}

const keyOf = (id: string): string => id.split('/')[1] ?? ''

const documentKeys = async ({ bare, servers }: ProjectorRig): Promise<string[]> => {
  const documents = bare.collection(servers.database, `readModel.${versionedName(summary)}`)
  const found = await documents.find({}, { projection: { _id: 1 }, limit: DOCUMENTS }).toArray()
  return found.map(({ _id }) => keyOf(_id))
}

/** Those with a partial of every partition. */
const wholeCustomers = async ({ bare, servers }: ProjectorRig): Promise<string[]> => {
  const partials = bare.collection(servers.database, `readModel.${versionedName(dashboard)}`)
  const found = await partials.find({}, { projection: { _id: 1 } }).toArray()
  const byCustomer = Map.groupBy(found, ({ _id }) => keyOf(_id))
  return [...byCustomer].filter(([, all]) => all.length === TOPIC.partitions).map(([customer]) => customer)
}

type Size = { readonly rounds: number; readonly n: number }

const questionsOf = async (rig: ProjectorRig, { rounds, n }: Size): Promise<Question[]> => [
  {
    question: 'main',
    of: 'Express alone with a findOne of the driver',
    paths: (await documentKeys(rig)).map((key) => ({
      ours: `/read-models/order-summary/${key}`,
      bare: `/one/${key}`,
    })),
    rounds: SHORT_ROUNDS * rounds,
    n,
  },
  {
    question: 'grouped',
    of: 'Express alone with a find of the six partials and a reduce',
    paths: (await wholeCustomers(rig)).map((key) => ({
      ours: `/read-models/customer-dashboard/${key}`,
      bare: `/grouped/${key}`,
    })),
    rounds,
    n,
  },
  {
    question: 'list',
    of: `Express alone with a find of ${PAGE} in the same order`,
    paths: [{ ours: `/read-models/order-summary?limit=${PAGE}`, bare: `/list/${PAGE}` }],
    rounds,
    n: Math.ceil(n / 4),
  },
]

type Load = {
  readonly url: string
  readonly token: string
  readonly paths: readonly string[]
  readonly n: number
}

/** Seconds for all requests at 64 connections. */
const run = async ({ url, token, paths, n }: Load): Promise<number> => {
  const result = await autocannon({
    url,
    connections: 64,
    amount: n,
    sampleInt: SAMPLE_MS,
    headers: { authorization: `Bearer ${token}` },
    requests: paths.map((path) => ({ method: 'GET', path })),
  })
  const failed = result.non2xx + result.errors + result.timeouts
  if (failed > 0) throw new Error(`${failed} requests to ${url} failed`)
  return result.duration
}

type Rivals = { readonly ours: string; readonly bare: string; readonly token: string }

const ask = async (asked: Question, { ours, bare, token }: Rivals): Promise<BenchLine> => {
  const { question, of, paths, rounds, n } = asked
  const seconds = await compare(
    () => run({ url: ours, token, n, paths: paths.map((path) => path.ours) }),
    () => run({ url: bare, token, n, paths: paths.map((path) => path.bare) }),
    rounds,
  )
  return toLine({ name: 'query', question, n, of }, seconds)
}

/** Reads over HTTP at 64 connections, identity and all, against Express and the driver alone. */
export const benchQuery: Bench = async (servers, { rounds, n = 8_000, questions }) => {
  const rig = await openProjectorRig(servers)
  try {
    await fill(rig, servers)
    const asked = (await questionsOf(rig, { rounds, n })).filter(
      ({ question }) => questions.length === 0 || questions.includes(question),
    )
    const queryApi = await startServiceProcess('query-api', servers, doorEnvironment)
    const alone = await startChildServer(fileURLToPath(new URL('./read-server.ts', import.meta.url)), [
      JSON.stringify(servers),
    ])
    try {
      const rivals: Rivals = { ours: queryApi.url, bare: alone.url, token: await signToken('bench') }
      const lines: BenchLine[] = []
      for (const question of asked) lines.push(await ask(question, rivals))
      return lines
    } finally {
      await Promise.all([queryApi.stop(), alone.stop()])
    }
  } finally {
    await rig.close()
  }
}
