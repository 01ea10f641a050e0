import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { defineProjection, type AnyProjection } from '@millrace/domain'
import { makeInMemoryCodec } from '@millrace/events'
import type { LaneOutcome } from '@millrace/kafka'
import {
  connectMongo,
  mongoProjectionStore,
  type MongoConnection,
  type ProjectionStore,
} from '@millrace/mongo'
import { orderPaid, orderPlaced, orderShipped, startMongoProxy, type MongoProxy } from '@millrace/testkit'
import { openLaneRig, TOPIC, type LaneRig, type OpenLane } from './lane-fixture.ts'
import { PartitionLog } from './log-of.ts'

// The lane speaks to MongoDB through the proxy, which answers in its place; `rig` sees what the server really holds.
const codec = await makeInMemoryCodec()
let rig: LaneRig
let proxy: MongoProxy
let proxied: MongoConnection
let store: ProjectionStore
beforeAll(async () => {
  rig = await openLaneRig(codec)
  const { hostname, port } = new URL(process.env['MONGO_URL'] ?? '')
  proxy = await startMongoProxy({ host: hostname, port: Number(port) })
  proxied = await connectThroughProxy()
  store = mongoProjectionStore(proxied)
})
afterAll(async () => {
  await proxied.close()
  await proxy.close()
  await rig.drop()
})

const connectThroughProxy = (more = ''): Promise<MongoConnection> =>
  connectMongo({
    // A real server says at once when it is primary again; this one never was anything else, and has to be asked.
    url: `mongodb://${proxy.host}/?directConnection=true&heartbeatFrequencyMS=500${more}`,
    database: rig.mongo.db.databaseName,
    clientName: 'lane-test',
  })

let log: PartitionLog
let projection: AnyProjection
let names = 0
beforeEach(() => {
  log = new PartitionLog(codec, { topic: TOPIC, partition: 0 })
  names += 1
  projection = counting(`counting-${names}`)
})

/** How many events a key had: whatever is folded twice, or not at all, shows. */
const counting = (name: string): AnyProjection =>
  defineProjection({
    name,
    version: 'v1',
    sources: [TOPIC],
    events: ['OrderPlaced', 'OrderPaid', 'OrderShipped'],
    evolve: (document: { events: number } | null, event) => {
      if (event.type === 'OrderShipped') throw new Error('not this one')
      return { events: (document?.events ?? 0) + 1 }
    },
    indexes: [],
    filters: {},
    sorts: {},
  })

const MAX_TRIES = 30

/** As a consumer does: what throws is handed over again. */
const applyInSpite = async (lane: OpenLane): Promise<{ outcome: LaneOutcome; failures: unknown[] }> => {
  const failures: unknown[] = []
  for (;;) {
    try {
      return { outcome: await lane.drain(log.records), failures }
    } catch (error) {
      if (failures.push(error) === MAX_TRIES) throw error
    }
  }
}

const expectOnce = async (): Promise<void> => {
  expect(await rig.documents(projection)).toEqual({ 'demo/o-1': { events: 3 }, 'demo/o-2': { events: 2 } })
  const parked = (await rig.parked(projection)).map(({ sequence, reason }) => [sequence, reason.type])
  expect(parked).toEqual([
    [5, 'poison'],
    [7, 'waits'],
  ])
}

/** Two batches: the fault comes in the second, whose documents are there. */
const writeAll = (): void => {
  for (const key of ['o-1', 'o-2']) log.append(orderPlaced(), { key })
  for (const key of ['o-1', 'o-2', 'o-3']) log.append(key === 'o-3' ? orderShipped() : orderPaid(), { key })
  log.append(orderPaid(), { key: 'o-1' })
  log.append(orderPlaced(), { key: 'o-3' })
}

const IN_TRANSACTION = ['TransientTransactionError']
const UNKNOWN = ['UnknownTransactionCommitResult']
const RETRYABLE = ['RetryableWriteError']

const places = {
  'the find': () => ({ name: 'find', collection: `readModel.${projection.name}.v1` }),
  'the checkpoint': () => ({ name: 'update', collection: 'checkpoints' }),
  'the parked events': () => ({ name: 'insert', collection: 'parkedEvents' }),
  'the documents': () => ({ name: 'update', collection: `readModel.${projection.name}.v1` }),
  'the commit': () => ({ name: 'commitTransaction' }),
}
type Place = keyof typeof places

const statements: readonly Place[] = ['the checkpoint', 'the parked events', 'the documents']
const all = Object.keys(places) as Place[]

const faults: [codeName: string, code: number, labels: string[], at: readonly Place[]][] = [
  ['WriteConflict', 112, IN_TRANSACTION, statements],
  ['NoSuchTransaction', 251, IN_TRANSACTION, [...statements, 'the commit']],
  ['SnapshotUnavailable', 246, IN_TRANSACTION, statements],
  ['LockTimeout', 24, IN_TRANSACTION, statements],
  ['NotWritablePrimary', 10_107, IN_TRANSACTION, statements],
  ['NotWritablePrimary', 10_107, RETRYABLE, ['the find', 'the commit']],
  ['PrimarySteppedDown', 189, RETRYABLE, ['the find', 'the commit']],
  ['InterruptedDueToReplStateChange', 11_602, [...RETRYABLE, ...UNKNOWN], ['the commit']],
  ['MaxTimeMSExpired', 50, [], all],
  ['ExceededTimeLimit', 262, [], all],
  ['InternalError', 1, [], all],
]
const cases = faults.flatMap(([codeName, code, errorLabels, at]) =>
  at.map((place): [string, Place, { code: number; codeName: string; errorLabels: string[] }] => [
    codeName,
    place,
    { code, codeName, errorLabels },
  ]),
)

/** The driver asks once more by itself, and a lane's second try meets the fault again. */
const TIMES = 3

describe('a lane', () => {
  it.each(cases)('that is told %s at %s tries again and applies once', async (_, place, fault) => {
    writeAll()
    const lane = await rig.open(projection, { store })
    await lane.apply(log.records.slice(0, 2))
    const told = proxy.fail('request', places[place](), { ...fault, times: TIMES })
    const { outcome, failures } = await applyInSpite(lane)
    expect([outcome, told.count()]).toEqual([{ type: 'applied', nextOffset: 7n }, TIMES])
    expect(failures).not.toEqual([])
    await expectOnce()
  })
})

describe('a commit that took effect although its client hears', () => {
  it.each([
    [
      'that nobody knows',
      { code: 11_602, codeName: 'InterruptedDueToReplStateChange', errorLabels: UNKNOWN },
    ],
    ['that it may ask again', { code: 91, codeName: 'ShutdownInProgress', errorLabels: RETRYABLE }],
    [
      'of no primary',
      { code: 10_107, codeName: 'NotWritablePrimary', errorLabels: [...RETRYABLE, ...UNKNOWN] },
    ],
    ['that time was up', { code: 50, codeName: 'MaxTimeMSExpired', errorLabels: [] }],
    [
      'that too few members have it',
      { code: 64, codeName: 'WriteConcernTimeout', errorLabels: [], isOfWriteConcern: true },
    ],
    ['something strange', { code: 8_000, codeName: 'AtlasError', errorLabels: [] }],
  ])('%s, is found by its checkpoint', async (_, fault) => {
    writeAll()
    const lane = await rig.open(projection, { store })
    await lane.apply(log.records.slice(0, 2))
    // Once: what comes again has nothing new in it, and needs no transaction.
    const told = proxy.fail('reply', places['the commit'](), { ...fault, times: 1 })
    const { outcome } = await applyInSpite(lane)
    expect([outcome, told.count()]).toEqual([{ type: 'applied', nextOffset: 7n }, 1])
    await expectOnce()
  })
})

describe('a connection that is lost', () => {
  const moments = all.flatMap((place) => [
    ['before', place, 'request' as const] as const,
    ['behind', place, 'reply' as const] as const,
  ])
  it.each(moments)('%s %s costs nothing and doubles nothing', async (_, place, moment) => {
    writeAll()
    const lane = await rig.open(projection, { store })
    await lane.apply(log.records.slice(0, 2))
    const cutting = proxy.hold(moment, places[place]()).then(({ cut }) => cut())
    // The driver asks again over another connection, which is lost as well.
    const again = proxy.hold(moment, places[place]()).then(({ cut }) => cut())
    const { outcome } = await applyInSpite(lane)
    expect(outcome).toEqual({ type: 'applied', nextOffset: 7n })
    await Promise.all([cutting, again])
    await expectOnce()
  })
})

describe('a commit that is never answered', () => {
  it('is given up on and asked for again, and comes too late to do harm', async () => {
    writeAll()
    const impatient = await connectThroughProxy('&socketTimeoutMS=1000')
    const lane = await rig.open(projection, { store: mongoProjectionStore(impatient) })
    await lane.apply(log.records.slice(0, 2))
    const holding = proxy.hold('request', places['the commit']())
    const { outcome } = await applyInSpite(lane)
    const late = await holding
    late.release()
    expect(outcome).toEqual({ type: 'applied', nextOffset: 7n })
    await expectOnce()
    await impatient.close()
  })
})
