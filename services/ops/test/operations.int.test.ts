import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { orderSummary, type AnyProjection, type ProjectionCode } from '@millrace/domain'
import { connectKafka } from '@millrace/kafka'
import {
  connectMongo,
  mongoBuildReports,
  mongoBuilds,
  type BuildRegistry,
  type BuildReport,
  type BuildReports,
  type MongoConnection,
} from '@millrace/mongo'
import { silentLogger } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { serversOfThisRun } from '../../../test/support/config.ts'
import { finishDrops } from '../src/drop-builds.ts'
import { beginReport } from '../src/keep-report.ts'
import { makeOperations, type Operations } from '../src/operations.ts'
import { reportOf, runningReport } from './ops-fixture.ts'

const EXACT = { expected: { fields: [], isAdding: false, isRemoving: false }, isFull: false }

let mongo: MongoConnection
let registry: BuildRegistry
let reports: BuildReports
const kafka = connectKafka({
  brokers: [serversOfThisRun().kafka],
  clientId: 'test',
  logger: silentLogger,
})
beforeAll(async () => {
  const database = `test-operations-${randomUUID().slice(0, 8)}`
  mongo = await connectMongo({ url: serversOfThisRun().mongo, database, clientName: 'test' })
  registry = mongoBuilds(mongo)
  reports = mongoBuildReports(mongo)
})
afterAll(async () => {
  await mongo.db.dropDatabase()
  await mongo.close()
})

let name: string
let operations: Operations
let isCaughtUp: boolean
let checks: PromiseWithResolvers<void>[]
beforeEach(async () => {
  name = `orders-${randomUUID().slice(0, 8)}`
  isCaughtUp = true
  checks = []
  operations = operationsOn()
  await operations.register(name)
})

/** As of one process; a second one is another ops, with the same store. */
const operationsOn = (): Operations => {
  const projection = { ...orderSummary, name } as AnyProjection
  const code: ProjectionCode = { newest: () => projection, version: () => projection }
  return makeOperations({
    ...{ registry, reports, code, kafka, mayBuildInPlace: false },
    progressOf: async (_, builds) =>
      new Map(
        builds.map((build) => [
          build.name,
          {
            ...{
              applied: 1,
              total: 9,
              remaining: 8,
              lagSeconds: null,
              isCaughtUp,
              rate: null,
              etaSeconds: null,
            },
            ...{ parked: 0, late: 0, partitions: [] },
          },
        ]),
      ),
    startCheck: async ({ build, against, kind }) => {
      const end = Promise.withResolvers<void>()
      checks.push(end)
      const started = runningReport({
        ...{ build: `${name}.${build.name}`, kind, against: against ? `${name}.${against.name}` : 'log' },
      })
      const check = await beginReport({ reports, logger: silentLogger }, started, async (kept) => {
        await Promise.race([end.promise, aborted(kept.signal)])
        kept.change({ state: 'equal' })
      })
      return check?.report
    },
  })
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))

const compared = async (build: string, more: Partial<BuildReport> = {}): Promise<void> => {
  const now = new Date()
  const report = reportOf({
    build: `${name}.${build}`,
    against: `${name}.v1`,
    startedAt: now,
    endedAt: now,
    ...more,
  })
  await reports.remove(report.build)
  await reports.begin(report, now)
}

const conflict = (detail: RegExp) => ({
  problem: { status: 409, type: 'conflict', detail: expect.stringMatching(detail) },
})

const fulfilled = (settled: readonly PromiseSettledResult<unknown>[]): number =>
  settled.filter(({ status }) => status === 'fulfilled').length

describe('of two operators', () => {
  it('one starts a build', async () => {
    const both = await Promise.allSettled([operations.rebuild(name), operationsOn().rebuild(name)])
    expect(fulfilled(both)).toBe(1)
    expect((await registry.read(name))?.builds.map((build) => build.name)).toEqual(['v1', 'v1.1'])
  })

  it('one compares at a time', async () => {
    await operations.rebuild(name)
    const both = await Promise.allSettled([
      operations.compare(name, EXACT),
      operationsOn().compare(name, EXACT),
    ])
    expect(fulfilled(both)).toBe(1)
    await expect(operations.compare(name, EXACT)).rejects.toMatchObject(conflict(/is under way: wait/))
    checks.forEach((check) => check.resolve())
  })

  it('nobody switches from a build that the other one has moved the pointer away from', async () => {
    await operations.rebuild(name)
    await expect(registry.switchTo(name, 'v1.1', 'v7')).rejects.toMatchObject({ code: 'BUILD_SWITCHING' })
    expect(await registry.read(name)).toMatchObject({ served: 'v1', switchingTo: null })
  })

  it('a rollback that is repeated does not lead forward again', async () => {
    await operations.rebuild(name)
    await compared('v1.1')
    await operations.switchToNext(name, 'v1.1')
    expect(await operations.switchToNext(name, 'v1.1')).toMatchObject({ served: 'v1.1' })
    for (let times = 0; times < 2; times++)
      expect(await operations.rollback(name, 'v1')).toMatchObject({ served: 'v1', previous: 'v1.1' })
    await expect(operations.rollback(name, 'v9')).rejects.toMatchObject(
      conflict(/v1.1 is the previous build/),
    )
  })
})

describe('a switch', () => {
  beforeEach(() => operations.rebuild(name))

  const refused = (why: RegExp) => expect(operations.switchToNext(name)).rejects.toMatchObject(conflict(why))

  it('waits for a comparison, its end, and a good one', async () => {
    await refused(/was not compared with .*\.v1 yet/)
    await operations.compare(name, EXACT)
    await refused(/it is being compared$/)
    checks.forEach((check) => check.resolve())
    const ended = () => reports.get(`${name}.v1.1`, 'comparison')
    await eventually(ended, (report) => report?.endedAt !== null)
    await compared('v1.1', { state: 'different', unexpected: 3, unsettled: 1, isCutShort: true })
    await refused(/3 documents differ .* 1 could not be compared, and the others were not looked at/)
    await compared('v1.1', { state: 'failed', error: 'the store was away' })
    await refused(/could not be compared: the store was away/)
    await compared('v1.1', { state: 'running', beatAt: new Date(0) })
    await refused(/broken off/)
    expect(await registry.read(name)).toMatchObject({ served: 'v1' })
  })

  it('does not believe a comparison with another build, or one that is older than the builds', async () => {
    await compared('v1.1', { against: `${name}.v0` })
    await refused(/was not compared with .*\.v1 yet/)
    await compared('v1.1', { startedAt: new Date(0) })
    await refused(/older than the builds/)
  })

  it('waits for the end of the log, and says how far it is', async () => {
    await compared('v1.1')
    isCaughtUp = false
    await expect(operations.switchToNext(name)).rejects.toMatchObject({
      problem: { status: 409, members: { applied: 1, total: 9, remaining: 8 } },
    })
    await operations.setPaused(name, true)
    await refused(/paused: resume it first/)
  })

  it('makes one way back: the build before that is retired', async () => {
    await compared('v1.1')
    await operations.switchToNext(name)
    await operations.rebuild(name)
    await compared('v1.2', { against: `${name}.v1.1` })
    await operations.switchToNext(name)
    const builds = await registry.read(name)
    expect(builds).toMatchObject({ served: 'v1.2', previous: 'v1.1', retired: [{ name: 'v1' }] })
    expect(builds?.builds.map((build) => build.name)).toEqual(['v1.1', 'v1.2'])
    expect(await operations.rebuild(name)).toMatchObject({ name: 'v1.3' })
    expect(await operations.rollback(name)).toMatchObject({ served: 'v1.1', previous: 'v1.2' })
    expect((await registry.read(name))?.builds).toHaveLength(3)
  })

  it('is not to what was compared with the build before a rollback', async () => {
    await compared('v1.1')
    await operations.switchToNext(name)
    await operations.rebuild(name)
    await compared('v1.2', { against: `${name}.v1.1` })
    await operations.rollback(name)
    await refused(/was not compared with .*\.v1 yet/)
  })
})

describe('a build that is dropped', () => {
  beforeEach(() => operations.rebuild(name))

  const documents = (build: string) => mongo.db.collection(`readModel.${name}.${build}`)
  const checkpoints = mongoCheckpoints()

  function mongoCheckpoints() {
    return {
      put: (build: string) =>
        mongo.db.collection<{ _id: object }>('checkpoints').insertOne({
          _id: { projection: `${name}.${build}`, topic: 'orders.order.events', partition: 0 },
        }),
      count: (build: string) =>
        mongo.db.collection('checkpoints').countDocuments({ '_id.projection': `${name}.${build}` }),
    }
  }

  it('ends the comparison that is under way, and leaves no report', async () => {
    await operations.compare(name, EXACT)
    expect(await operations.drop(name, 'v1.1')).toBe('gone')
    const left = () => reports.get(`${name}.v1.1`, 'comparison')
    expect(await left()).toBeUndefined()
    checks.forEach((check) => check.resolve())
    await operations.rebuild(name)
    expect(await left()).toBeUndefined()
  })

  it('goes although the process ended in between, and may be dropped again', async () => {
    await documents('v1.1').insertOne({ a: 1 })
    await checkpoints.put('v1.1')
    await registry.retire(name, 'v1.1')
    expect(await operations.drop(name, 'v1.1')).toBe('gone')
    expect([await documents('v1.1').countDocuments(), await checkpoints.count('v1.1')]).toEqual([0, 0])
    await expect(operations.drop(name, 'v7')).rejects.toMatchObject({ problem: { status: 404 } })
    await expect(operations.drop(name, 'v1')).rejects.toMatchObject(conflict(/is what readers get/))
  })

  it('goes with what a lane that began too late has left, and is forgotten in the end', async () => {
    await operations.drop(name, 'v1.1')
    await documents('v1.1').insertOne({ a: 1 })
    await checkpoints.put('v1.1')
    const ended = new AbortController()
    const code: ProjectionCode = { newest: () => null, version: () => null }
    const done = finishDrops({
      ...{ registry, reports, code, kafka, logger: silentLogger, signal: ended.signal, everyMs: 10 },
    })
    await eventually(
      () => checkpoints.count('v1.1'),
      (count) => count === 0,
    )
    expect((await registry.read(name))?.retired).toHaveLength(1)
    await mongo.db
      .collection<{ _id: string }>('builds')
      .updateOne({ _id: name }, { $set: { 'retired.0.at': new Date(0) } })
    await eventually(
      () => registry.read(name),
      (builds) => builds?.retired.length === 0,
    )
    ended.abort()
    await done
    expect(await documents('v1.1').countDocuments()).toBe(0)
  })
})
