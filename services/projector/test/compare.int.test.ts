import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { customerDashboard, orderSummary, type AnyProjection } from '@millrace/domain'
import { makeInMemoryCodec } from '@millrace/events'
import { ensureReadModelIndexes, mongoBuildReader, type BuildReader } from '@millrace/mongo'
import { buildSource, compareSources, foldLog, type LogFold, type Side } from '@millrace/projections'
import { orderPaid, orderPlaced, orderShipped } from '@millrace/testkit'
import { openLaneRig, TOPIC, type LaneRig, type OpenLane } from './lane-fixture.ts'
import { PartitionLog } from './log-of.ts'
import { storedLogOf } from './stored-log.ts'

const codec = await makeInMemoryCodec()
let rig: LaneRig
beforeAll(async () => {
  rig = await openLaneRig(codec)
})
afterAll(() => rig.drop())

const PARTITIONS = [0, 1]
let logs: PartitionLog[]
let names = 0
beforeEach(() => {
  logs = PARTITIONS.map((partition) => new PartitionLog(codec, { topic: TOPIC, partition }))
})

/** A life of an order, placed by one of some customers: each has orders in both partitions. */
const live = (from: number, to: number): void => {
  for (let number = from; number < to; number++) {
    const log = logs[number % logs.length]
    log?.append(orderPlaced({ customerId: `c-${number % 41}` }), { key: `o-${number}` })
    log?.append(orderPaid({ customerId: `c-${number % 41}` }), { key: `o-${number}` })
    if (number % 3 === 0 && number >= 30) log?.append(orderShipped(), { key: `o-${number - 30}` })
  }
}

type Build = Side & { readonly reader: BuildReader; feed(atMost?: number): Promise<void> }

/** Kept by lanes of its own; `projection` need not be what it is compared by. */
const openBuild = async (given: AnyProjection): Promise<Build> => {
  const projection = { ...given, name: `${given.name}-${(names += 1)}` }
  const build = `${projection.name}.${projection.version}`
  await ensureReadModelIndexes(rig.mongo, { projection: build, indexes: [] })
  const lanes: OpenLane[] = []
  for (const partition of PARTITIONS) lanes.push(await rig.open(projection, { partition }))
  const isGrouped = given.kind === 'grouped'
  const reader = mongoBuildReader(rig.mongo, { build, isGrouped, topic: TOPIC })
  const next = (lane: OpenLane, index: number, atMost: number) =>
    logs[index]?.records.slice(Number(lane.nextOffset)).slice(0, atMost) ?? []
  return {
    projection,
    reader,
    source: buildSource(reader, { ...theLog(), projection }),
    feed: async (atMost = Infinity) => {
      for (const [index, lane] of lanes.entries()) {
        const records = next(lane, index, atMost)
        if (records.length > 0) expect(await lane.drain(records)).toMatchObject({ type: 'applied' })
      }
    },
  }
}

const theLog = () => ({ codec, log: storedLogOf(logs, 50), shards: logs.map(({ place }) => place) })

/** What the log says of a build, no further than the build is. */
const foldOf = async ({ projection, reader }: Pick<Build, 'projection' | 'reader'>): Promise<LogFold> => {
  const fold = foldLog({ ...theLog(), projection, wants: () => true, parked: reader.parked })
  await fold.advance((await reader.read([])).reached)
  return fold
}

/** Goes on with a shop and with both builds, the one always ahead of the other, while `work` lasts. */
const whileFed = async (one: Build, other: Build, work: () => Promise<void>): Promise<void> => {
  let isOver = false
  const feed = async (): Promise<void> => {
    for (let from = 200; !isOver; from += 5) {
      live(from, from + 5)
      await one.feed(20)
      await other.feed(15)
    }
  }
  const feeding = feed()
  try {
    await work()
  } finally {
    isOver = true
    await feeding
  }
}

const wrong: AnyProjection = {
  ...(orderSummary as AnyProjection),
  evolve: (document, event, place) => {
    const { total, ...others } = orderSummary.evolve(document as never, event, place) ?? never()
    if (event.type !== 'OrderPlaced' || event.key !== 'o-7') return { ...others, total }
    return { ...others, total: { ...total, amount: total.amount + 1 } }
  },
}

const twicePaid: AnyProjection = {
  ...(customerDashboard as AnyProjection),
  evolve: (document, event, place) => {
    const made = customerDashboard.evolve(document as never, event, place) ?? never()
    return event.type === 'OrderPaid' && event.key === 'o-7' ? { ...made, paid: made.paid + 1 } : made
  },
}

const never = (): never => {
  throw new TypeError('nothing is ever deleted')
}

const equal = { different: [], unsettled: [], isCutShort: false }

describe.each([orderSummary, customerDashboard].map((projection) => projection as AnyProjection))(
  'two builds of $name',
  (projection) => {
    it('are found equal while both are fed, one behind the other, and afterwards', async () => {
      const [one, other] = [await openBuild(projection), await openBuild(projection)]
      live(0, 200)
      await one.feed()
      await other.feed(150)
      const fold = await foldOf(one)
      await whileFed(one, other, async () => {
        const options = { pauseMs: 20 }
        const builds = await compareSources(one, other, options)
        const log = await compareSources(one, { source: fold, projection }, options)
        expect([builds, log]).toMatchObject([equal, equal])
        expect(builds.compared).toBeGreaterThanOrEqual(projection.kind === 'grouped' ? 40 : 200)
      })
      await Promise.all([one.feed(), other.feed()])
      expect(await compareSources(one, other)).toMatchObject(equal)
      expect(await compareSources(other, { source: await foldOf(other), projection })).toMatchObject(equal)
    })
  },
)

describe('a build whose fold is wrong', () => {
  it('is different from another, and from the log, though the document never rests', async () => {
    const [bad, good] = [await openBuild(twicePaid), await openBuild(customerDashboard)]
    live(0, 200)
    await good.feed()
    await bad.feed(150)
    const fold = await foldOf({ reader: bad.reader, projection: good.projection })
    const found = { different: [{ key: 'demo/c-7', fields: [{ field: 'paid' }] }], unsettled: [] }
    await whileFed(good, bad, async () => {
      expect(await compareSources(bad, good)).toMatchObject(found)
      expect(await compareSources(bad, { source: fold, projection: good.projection })).toMatchObject(found)
    })
  })

  it('is different from another, and from the log, in that field of that document', async () => {
    const [bad, good] = [await openBuild(wrong), await openBuild(orderSummary)]
    live(0, 100)
    await Promise.all([bad.feed(), good.feed()])
    const fold = await foldOf(good)
    const field = { field: 'total.amount', one: 2499, other: 2498 }
    const found = { different: [{ key: 'demo/o-7', fields: [field] }], unsettled: [] }
    expect(await compareSources(bad, good)).toMatchObject(found)
    expect(await compareSources(bad, { source: fold, projection: good.projection })).toMatchObject(found)
    expect(await compareSources(good, { source: fold, projection: good.projection })).toMatchObject(equal)
  })

  it('is different where somebody has changed or deleted a document, or made one up', async () => {
    const build = await openBuild(orderSummary)
    live(0, 20)
    await build.feed()
    const { name, version } = build.projection
    const documents = rig.mongo.db.collection<{ _id: string }>(`readModel.${name}.${version}`)
    await documents.updateOne({ _id: 'demo/o-1' }, { $set: { status: 'lost' } })
    await documents.deleteOne({ _id: 'demo/o-2' })
    const made = await documents.findOne({ _id: 'demo/o-3' })
    await documents.insertOne({ ...made, _id: 'demo/o-x' })
    const { different, unsettled } = await compareSources(build, {
      source: await foldOf(build),
      projection: build.projection,
    })
    expect(unsettled).toEqual([])
    expect(different.map(({ key, fields }) => [key, fields.map(({ field }) => field)])).toEqual([
      ['demo/o-1', ['status']],
      ['demo/o-x', ['']],
      ['demo/o-2', ['']],
    ])
  })
})

describe('a build that has parked something', () => {
  it('is what the log says without it', async () => {
    const build = await openBuild(orderSummary)
    live(0, 40)
    await build.feed()
    logs[0]?.append(orderPlaced(), { key: 'o-2' })
    logs[0]?.append(orderShipped(), { key: 'o-2' })
    live(40, 60)
    await build.feed()
    logs[0]?.append(orderPaid(), { key: 'o-2' })
    await build.feed()
    expect((await build.reader.parked({ topic: TOPIC, partition: 0 })).size).toBe(3)
    const side = { source: await foldOf(build), projection: build.projection }
    expect(await compareSources(build, side)).toMatchObject(equal)
  })
})
