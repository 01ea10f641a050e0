import { startBareConsumer, type BareConsumer, type Consuming } from './bare-consumer.ts'
import { measureInTurn, toLine, type Bench, type BenchLine, type Measured } from './measure.ts'
import { openOrderLog, TOPIC, type OrderLog } from './order-log.ts'
import {
  dropBuild,
  indexed,
  openProjectorRig,
  project,
  projectionNamed,
  type ProjectorRig,
} from './projection-run.ts'
import { recordUpserts } from './recorded-upserts.ts'

const summary = projectionNamed('order-summary')
const dashboard = projectionNamed('customer-dashboard')

/** Of a customer; their orders are spread over the partitions, so a partial has a sixth. */
const EVENTS_PER_CUSTOMER = 1_000 * TOPIC.partitions
/** Consumers that take ages show their rate on the beginning of the log. */
const SHARE = { each: 2_000, batch: 60_000 } as const

const LARGE = 2_000_000
const SMALL = 100_000

type Setting = {
  readonly rig: ProjectorRig
  readonly consumer: BareConsumer
  readonly n: number
  readonly rounds: number
}

/** A build of a projection from offset 0, which nobody needs afterwards. */
const building = ({ rig, n }: Setting, projection: typeof summary): Measured => {
  return async (round) => {
    const build = `${projection.name}.v${round + 1000}`
    const seconds = await project(rig, { projection, build, events: n })
    await dropBuild(rig, build)
    return seconds
  }
}

/** What ours wrote in its first round, from then on again and again. */
const writingBare = ({ rig, n }: Setting): Measured => {
  const recorded = recordUpserts()
  return async (round) => {
    const build = `order-summary.recorded-${round}`
    if (round === 0) {
      await project(rig, { projection: summary, build, events: n, onCommit: recorded.record })
      await dropBuild(rig, build)
    }
    await indexed(rig, build, summary)
    const collection = rig.bare.collection(rig.servers.database, `readModel.${build}`)
    const seconds = await recorded.write(collection)
    await dropBuild(rig, build)
    return seconds
  }
}

/** Scaled to all events. */
const consumingBare = ({ rig, consumer, n }: Setting, mode: Consuming['mode']): Measured => {
  return async (round) => {
    const build = `order-summary.${mode}-${round}`
    await indexed(rig, build, summary)
    const events = Math.min(SHARE[mode], n)
    const consumed = await consumer.consume({ mode, collection: `readModel.${build}`, events })
    await dropBuild(rig, build)
    return (consumed.seconds / consumed.events) * n
  }
}

const calibrations = {
  main: 'bare bulkWrite of the same upserts, same batches and indexes',
  naive: `kafkajs eachMessage, one upsert each (rate of the first ${SHARE.each} events)`,
  sink: `kafkajs eachBatch, ordered bulkWrite of an upsert each (rate of the first ${SHARE.batch} events)`,
  hot: 'main: customer-dashboard, 1,000 events a document, against order-summary, 4 events a document',
} as const

type Question = keyof typeof calibrations

const measuredFor = (setting: Setting): Readonly<Record<Question, Measured>> => ({
  main: writingBare(setting),
  naive: consumingBare(setting, 'each'),
  sink: consumingBare(setting, 'batch'),
  hot: building(setting, dashboard),
})

/** Ours is the same for all questions, and measured once a round. */
const askInTurn = async (setting: Setting, asks: (question: Question) => boolean): Promise<BenchLine[]> => {
  const { n, rounds } = setting
  const questions = (Object.keys(calibrations) as Question[]).filter(asks)
  if (questions.length === 0) return []
  const all = measuredFor(setting)
  const wanted = Object.fromEntries(questions.map((question) => [question, all[question]]))
  const seconds = await measureInTurn({ ours: building(setting, summary), ...wanted }, rounds)
  const measured = seconds as typeof seconds & Record<string, number>
  return questions.map((question) => {
    const other = measured[question] ?? Number.NaN
    const about = { name: 'project', question, n, of: calibrations[question] }
    return question === 'hot'
      ? toLine(about, { ours: other, calibration: measured.ours })
      : toLine(about, { ours: measured.ours, calibration: other })
  })
}

/** A long log against the beginning of it, before and after: what is behind must not make it slower. */
const askBacklog = async (rig: ProjectorRig, log: OrderLog): Promise<BenchLine> => {
  await log.growTo(LARGE)
  const build = async (version: string, events: number): Promise<number> => {
    const name = `order-summary.${version}`
    const seconds = await project(rig, { projection: summary, build: name, events })
    await dropBuild(rig, name)
    return seconds
  }
  await build('warm-up', SMALL)
  const before = await build('before', SMALL)
  const large = await build('large', LARGE)
  const rssMiB = process.memoryUsage.rss() / 2 ** 20
  const after = await build('after', SMALL)
  const calibration = ((before + after) / 2) * (LARGE / SMALL)
  const of = `the first ${SMALL} events alone`
  return toLine({ name: 'project', question: 'backlog', n: LARGE, of, rssMiB }, { ours: large, calibration })
}

/** order-summary from offset 0. `backlog` only when it is asked for: it takes ten minutes. */
export const benchProject: Bench = async (servers, { rounds, n = 600_000, questions }) => {
  const customers = Math.max(1, Math.round(n / EVENTS_PER_CUSTOMER))
  const rig = await openProjectorRig(servers)
  const log = await openOrderLog(servers, { customers, products: 300, ordersPerDay: 15_000 })
  const consumer = await startBareConsumer({ servers, topic: TOPIC.name })
  const asks = (question: Question): boolean => questions.length === 0 || questions.includes(question)
  try {
    await log.growTo(n)
    const lines = await askInTurn({ rig, consumer, n, rounds }, asks)
    return questions.includes('backlog') ? [...lines, await askBacklog(rig, log)] : lines
  } finally {
    await consumer.close()
    await log.close()
    await rig.close()
  }
}
