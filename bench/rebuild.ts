import type { AnyProjection } from '@millrace/domain'
import { buildName, mongoBuildReader } from '@millrace/mongo'
import { buildSource, compareSources, type Side } from '@millrace/projections'
import { feed, namesOf } from './feed.ts'
import { compare, timed, toLine, type Bench, type BenchLine, type Measured } from './measure.ts'
import { EVENTS_PER_ORDER, openOrderLog, TOPIC, type OrderLog } from './order-log.ts'
import {
  dropBuild,
  openProjectorRig,
  project,
  projectionNamed,
  raceOf,
  type ProjectorRig,
} from './projection-run.ts'
import { startLive } from './rebuild-latency.ts'

const summary = projectionNamed('order-summary')
const four = ['order-summary', 'customer-dashboard', 'revenue-by-day', 'product-metrics'].map(projectionNamed)

type Setting = {
  readonly rig: ProjectorRig
  readonly log: OrderLog
  readonly n: number
  readonly rounds: number
}

/** From offset 0 until each has all events, in one process, and forgotten afterwards. */
const building = ({ rig, n }: Setting, projections: readonly AnyProjection[]): Measured => {
  return async (round) => {
    const build = `v1.${projections.length * 1000 + round}`
    const builds = namesOf(projections, build)
    const { store, seconds } = raceOf(rig, { builds, events: n })
    const feeding = await feed(rig, { projections, store, builds: () => [build], served: summary.version })
    const took = await seconds
    await feeding.stop()
    for (const name of builds) await dropBuild(rig, name)
    return took
  }
}

const askMain = async (setting: Setting): Promise<BenchLine> => {
  const { n, rounds } = setting
  const seconds = await compare(building(setting, four), building(setting, [summary]), rounds)
  return toLine(
    { name: 'rebuild', question: 'main', n, of: 'order-summary alone, of four together' },
    seconds,
  )
}

const ONE = 'v1.one'
const OTHER = 'v1.other'

const build = ({ rig, n }: Setting, name: string): Promise<number> =>
  project(rig, { projection: summary, build: buildName(summary.name, name), events: n })

const sideOf = ({ rig }: Setting, name: string): Side => {
  const reader = mongoBuildReader(rig.mongo, {
    build: buildName(summary.name, name),
    isGrouped: false,
    topic: TOPIC.name,
  })
  return { projection: summary, source: buildSource(reader, null) }
}

/** Two builds of as many documents as there are orders, against reading both and doing nothing with them. */
const askCompare = async (setting: Setting): Promise<BenchLine> => {
  const { rig, rounds } = setting
  const documents = Math.ceil(setting.n / EVENTS_PER_ORDER)
  await build(setting, OTHER)
  const ours = () =>
    timed(async () => {
      const found = await compareSources(sideOf(setting, ONE), sideOf(setting, OTHER))
      if (found.compared !== documents || found.different.length + found.unsettled.length > 0)
        throw new Error(`${found.compared} documents were compared, and not all are equal`)
    })
  const readAll = async (name: string): Promise<void> => {
    const found = rig.bare
      .collection(rig.servers.database, `readModel.${buildName(summary.name, name)}`)
      .find()
    for await (const _ of found);
  }
  const calibration = () =>
    timed(async () => {
      await readAll(ONE)
      await readAll(OTHER)
    })
  const of = 'a bare find of both collections'
  const about = { name: 'rebuild', question: 'compare', n: documents, of }
  return toLine(about, await compare(ours, calibration, rounds))
}

/** p99 of live events in the served build, with another build beside it, against without. */
const askThrottled = async ({ rig, log, rounds }: Setting): Promise<BenchLine> => {
  const live = await startLive(rig, log, ONE)
  try {
    const seconds = await compare(live.whileBuilding, live.alone, rounds)
    const of = 'p99 of live events while nothing else is built'
    return toLine({ name: 'rebuild', question: 'throttled', n: 1, of, p99Ms: seconds.ours * 1000 }, seconds)
  } finally {
    await live.close()
  }
}

/** Read models from offset 0, in one process. */
export const benchRebuild: Bench = async (servers, { rounds, n = 600_000, questions }) => {
  const rig = await openProjectorRig(servers)
  const log = await openOrderLog(servers, {
    customers: Math.ceil(n / EVENTS_PER_ORDER / 10),
    products: 300,
    ordersPerDay: 15_000,
  })
  const asks = (question: string): boolean => questions.length === 0 || questions.includes(question)
  const setting: Setting = { rig, log, n, rounds }
  const lines: BenchLine[] = []
  try {
    await log.growTo(n)
    if (asks('main')) lines.push(await askMain(setting))
    if (asks('compare') || asks('throttled')) await build(setting, ONE)
    if (asks('compare')) lines.push(await askCompare(setting))
    // Comes last: it adds events.
    if (asks('throttled')) lines.push(await askThrottled(setting))
    return lines
  } finally {
    await log.close()
    await rig.close()
  }
}
