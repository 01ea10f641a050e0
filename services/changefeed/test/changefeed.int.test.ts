import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { mongoBuilds, mongoFeedProgresses, mongoLeases, withTransaction } from '@millrace/mongo'
import { eventually } from '@millrace/testkit'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { makeProducers } from '../src/make-producers.ts'
import { FeedDesk, gatedProducer, LEASE_MS, makeGate, type Running } from './feed-desk.ts'

const PATIENT = { timeoutMs: 15_000 }
const RUN = randomUUID().slice(0, 8)
const topicOf = (index: number): string => `test-${RUN}-${index}.changed`
const TOPICS = Array.from({ length: 16 }, (_, index) => topicOf(index))

let servers: TestServers
let desk: FeedDesk
let used = 0

beforeAll(async () => {
  servers = await prepareServers({ name: 'changefeed', changesTopics: TOPICS })
})
afterEach(() => desk.close())
afterAll(() => servers.stop())

/** A plain collection, and a topic that nobody else uses. */
const openDesk = async (): Promise<FeedDesk> => {
  desk = await FeedDesk.open(servers, topicOf(used++), { type: 'collection', name: `c-${randomUUID()}` })
  return desk
}

type Doc = { _id: string; n: number }
const documents = () => desk.db.collection<Doc>(desk.feed.source.name)
const keyOf = (id: string): string => `millrace/${JSON.stringify(id)}`
const asTold = async (): Promise<Record<string, string>> =>
  Object.fromEntries((await documents().find().toArray()).map((doc) => [keyOf(doc._id), JSON.stringify(doc)]))

const held = (feed: Running): Promise<unknown> =>
  eventually(
    () => feed.watch.state().isHeld,
    (isHeld) => isHeld,
    PATIENT,
  )

const started = async (): Promise<Running> => {
  const feed = desk.start()
  await desk.untilSettled(feed)
  return feed
}

/** What is published is counted a moment later. */
const untilMetric = (feed: Running, name: string, labels: Record<string, unknown>): Promise<unknown> =>
  eventually(
    () => metric(feed, name),
    (values) =>
      values.some((found) => Object.entries(labels).every(([label, value]) => found[label] === value)),
    PATIENT,
  )

const metric = async ({ metrics }: Running, name: string): Promise<Record<string, string | number>[]> => {
  const found = await metrics.registry.getSingleMetric(`millrace_changefeed_${name}`)?.get()
  return (found?.values ?? []).map(({ labels, value }) => ({ ...labels, value }))
}

describe('a changefeed', () => {
  it('tells what is there when it begins, and then every change with before and after, in order', async () => {
    await openDesk()
    await documents().insertMany([{ _id: 'old', n: 0 }])
    const feed = await started()
    await documents().insertOne({ _id: 'a', n: 1 })
    await documents().updateOne({ _id: 'a' }, { $set: { n: 2 } })
    await documents().replaceOne({ _id: 'a' }, { n: 3 })
    await documents().deleteOne({ _id: 'a' })
    const seen = await desk.untilSeen(5)
    expect(seen.filter(({ key }) => key === '"old"')).toMatchObject([
      { operation: 'created', origin: 'reconciliation', before: null, after: '{"_id":"old","n":0}' },
    ])
    const ofA = seen.filter(({ key }) => key === '"a"')
    expect(ofA.map(({ operation, before, after }) => [operation, before, after])).toEqual([
      ['created', null, '{"_id":"a","n":1}'],
      ['updated', '{"_id":"a","n":1}', '{"_id":"a","n":2}'],
      ['updated', '{"_id":"a","n":2}', '{"_id":"a","n":3}'],
      ['deleted', '{"_id":"a","n":3}', null],
    ])
    expect(ofA.map(({ origin, source }) => [origin, source])).toEqual(
      ofA.map(() => ['change', desk.feed.name]),
    )
    const ids = ofA.map(({ id }) => id)
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids).size).toBe(4)
    await desk.untilSettled(feed)
    expect(await metric(feed, 'reconciled_total')).toMatchObject([{ reason: 'first', value: 1 }])
    expect(await metric(feed, 'lag_seconds')).toMatchObject([{ feed: desk.feed.name, value: 0 }])
    expect(feed.warnings).toEqual([])
  })

  it('of a read model tells nothing when only members of the engine have moved', async () => {
    const name = `model-${RUN}`
    desk = await FeedDesk.open(servers, topicOf(used++), { type: 'read-model', name, version: 'v1' })
    const feed = await started()
    const model = desk.db.collection<{ _id: string }>(`readModel.${name}.v1`)
    const write = (sequence: number, total: number) =>
      model.replaceOne({ _id: 'demo/o-1' }, { _tenant: 'demo', _sequence: sequence, total }, { upsert: true })
    await write(1, 5)
    await write(2, 5)
    await write(3, 6)
    const seen = await desk.untilSeen(2)
    expect(seen).toMatchObject([
      { messageKey: 'demo/o-1', key: 'o-1', source: name, operation: 'created', after: '{"total":5}' },
      { operation: 'updated', before: '{"total":5}', after: '{"total":6}' },
    ])
    await untilMetric(feed, 'skipped_total', { value: 1 })
  })

  it('goes on where it was, and repeats under the same ids what it had not saved', async () => {
    await openDesk()
    const first = await started()
    await documents().insertOne({ _id: 'a', n: 1 })
    await desk.untilSeen(1)
    await desk.untilSettled(first)
    const before = await desk.db.collection<{ _id: string }>('changefeeds').findOne({ _id: desk.feed.name })
    await documents().insertOne({ _id: 'b', n: 1 })
    await documents().updateOne({ _id: 'b' }, { $set: { n: 2 } })
    await desk.untilSeen(3)
    await first.stop()
    const { _id, epoch: _epoch, ...progress } = before as unknown as Record<string, unknown>
    await desk.changeProgress(progress)
    const second = await started()
    const seen = await desk.untilSeen(5)
    expect(seen.slice(3).map(({ id, after }) => [id, after])).toEqual(
      seen.slice(1, 3).map(({ id, after }) => [id, after]),
    )
    await documents().insertOne({ _id: 'c', n: 1 })
    await desk.untilLike(await asTold())
    expect(await metric(second, 'reconciled_total')).toEqual([])
  })

  it('gives the changes of a transaction distinct rising ids', async () => {
    await openDesk()
    await started()
    const ids = Array.from({ length: 1_500 }, (_, index) => `d-${index}`)
    await withTransaction(servers.mongoConnection, async (session) => {
      await documents().insertMany(
        ids.map((_id) => ({ _id, n: 1 })),
        { session },
      )
      await documents().updateMany({}, { $set: { n: 2 } }, { session })
    })
    const seen = await desk.untilSeen(3_000)
    expect(new Set(seen.map(({ id }) => id)).size).toBe(3_000)
    expect(new Set(seen.map(({ id }) => id.split('-')[0])).size).toBe(1)
    await desk.untilLike(await asTold())
  })

  it('tells a document whose before does not fit beside it without, and leaves out what fits nowhere', async () => {
    await openDesk()
    const feed = await started()
    const large = desk.db.collection<{ _id: string; text?: string }>(desk.feed.source.name)
    await large.insertOne({ _id: 'a', text: 'x'.repeat(600_000) })
    await large.updateOne({ _id: 'a' }, { $set: { text: 'y'.repeat(600_000) } })
    await large.insertOne({ _id: 'b', text: 'z'.repeat(1_200_000) })
    await large.insertOne({ _id: 'c' })
    const seen = await desk.untilSeen(3)
    const ofA = seen.filter(({ key }) => key === '"a"')
    expect(ofA.map(({ operation, before }) => [operation, before])).toEqual([
      ['created', null],
      ['updated', null],
    ])
    expect(ofA.at(-1)?.after).toContain('yyy')
    expect(seen.map(({ key }) => key)).toEqual(expect.not.arrayContaining(['"b"']))
    await desk.untilSettled(feed)
    expect(await metric(feed, 'too_large_total')).toMatchObject([{ value: 1 }])
    await feed.stop()
    await large.updateOne({ _id: 'b' }, { $set: { text: 'short' } })
    await desk.changeProgress({ resumeToken: { _data: '82' } })
    desk.start()
    const found = await desk.untilSeen(4)
    expect(found.at(-1)).toMatchObject({ key: '"b"', operation: 'created', origin: 'reconciliation' })
  })
})

describe('lost history', () => {
  it('is made up for by comparing: what was created, changed and deleted meanwhile comes, once, and it is said', async () => {
    await openDesk()
    const first = await started()
    await documents().insertMany(['same', 'changed', 'gone', 'again'].map((_id) => ({ _id, n: 1 })))
    await desk.untilSeen(4)
    await desk.untilSettled(first)
    await first.stop()
    await documents().updateOne({ _id: 'changed' }, { $set: { n: 2 } })
    await documents().deleteOne({ _id: 'gone' })
    await documents().insertOne({ _id: 'new', n: 1 })
    await documents().updateOne({ _id: 'again' }, { $set: { n: 2 } })
    await documents().updateOne({ _id: 'again' }, { $set: { n: 1 } })
    await desk.changeProgress({ resumeToken: { _data: '82' } })
    const second = await started()
    await desk.untilLike(await asTold())
    await documents().updateOne({ _id: 'same' }, { $set: { n: 5 } })
    const seen = await desk.untilSeen(8)
    expect(
      seen.slice(4, 7).map(({ key, operation, origin, before }) => [key, operation, origin, before]),
    ).toEqual(
      expect.arrayContaining([
        ['"changed"', 'updated', 'reconciliation', null],
        ['"new"', 'created', 'reconciliation', null],
        ['"gone"', 'deleted', 'reconciliation', null],
      ]),
    )
    expect(seen[7]).toMatchObject({ key: '"same"', origin: 'change', before: '{"_id":"same","n":1}' })
    await desk.untilLike(await asTold())
    expect(await metric(second, 'reconciled_total')).toMatchObject([{ reason: 'history-lost', value: 1 }])
    expect(second.warnings).toContainEqual(
      expect.objectContaining({ message: 'changefeed was reconciled', reason: 'history-lost', deleted: 1 }),
    )
  })

  it('while a holder was stuck between publishing a value and noting it: the value before comes again', async () => {
    await openDesk()
    const gate = makeGate()
    const stuck = desk.start({
      makeProducers: async ({ topic }) =>
        (await makeProducers(desk.kafka, topic)).map((one) => gatedProducer(one, { afterSend: gate.pass })),
    })
    await desk.untilSettled(stuck)
    await documents().insertOne({ _id: 'a', n: 1 })
    await desk.untilSeen(1)
    await desk.untilSettled(stuck)
    gate.arm()
    await documents().updateOne({ _id: 'a' }, { $set: { n: 2 } })
    await gate.reached
    expect((await desk.untilSeen(2))[1]).toMatchObject({ after: '{"_id":"a","n":2}' })
    await documents().updateOne({ _id: 'a' }, { $set: { n: 1 } })
    await desk.changeProgress({ resumeToken: { _data: '82' } })
    desk.start()
    const seen = await desk.untilSeen(3)
    expect(seen[2]).toMatchObject({ origin: 'reconciliation', after: '{"_id":"a","n":1}' })
    gate.open()
    await documents().insertOne({ _id: 'end', n: 1 })
    await desk.untilLike(await asTold())
  })

  it('of a collection that was dropped is told as deletes', async () => {
    await openDesk()
    const feed = await started()
    await documents().insertMany(['a', 'b'].map((_id) => ({ _id, n: 1 })))
    await desk.untilSeen(2)
    await documents().drop()
    await desk.untilLike({})
    await documents().insertOne({ _id: 'c', n: 1 })
    await desk.untilLike({ [keyOf('c')]: '{"_id":"c","n":1}' })
    await untilMetric(feed, 'reconciled_total', { reason: 'collection-gone' })
  })

  it('by images that were switched off is found, and they are switched on again', async () => {
    await openDesk()
    const feed = await started()
    await documents().insertOne({ _id: 'a', n: 1 })
    await desk.untilSeen(1)
    const off = { changeStreamPreAndPostImages: { enabled: false } }
    await desk.db.command({ collMod: desk.feed.source.name, ...off })
    await documents().updateOne({ _id: 'a' }, { $set: { n: 2 } })
    await desk.untilLike(await asTold())
    await desk.untilSettled(feed)
    await documents().updateOne({ _id: 'a' }, { $set: { n: 3 } })
    await desk.untilLike(await asTold())
    expect(desk.seen().at(-1)).toMatchObject({ origin: 'change', before: '{"_id":"a","n":2}' })
    await untilMetric(feed, 'reconciled_total', { reason: 'no-post-image' })
  })

  it('with a topic that was made again: everything is told anew', async () => {
    await openDesk()
    const feed = await started()
    await documents().insertMany(['a', 'b'].map((_id) => ({ _id, n: 1 })))
    await desk.untilSeen(2)
    await desk.db
      .collection<{ _id: string }>('topics')
      .updateOne({ _id: desk.feed.topic }, { $inc: { incarnation: 1 } })
    const seen = await desk.untilSeen(4)
    expect(
      seen
        .slice(2)
        .map(({ key, origin }) => [key, origin])
        .toSorted(),
    ).toEqual([
      ['"a"', 'reconciliation'],
      ['"b"', 'reconciliation'],
    ])
    await untilMetric(feed, 'reconciled_total', { reason: 'new-topic' })
  })
})

describe('a read model that is switched to another build', () => {
  it('is followed: the differences come, and then the changes of the new one', async () => {
    const name = `switched-${RUN}`
    desk = await FeedDesk.open(servers, topicOf(used++), { type: 'read-model', name, version: 'v1' })
    const builds = mongoBuilds(servers.mongoConnection)
    await builds.register(name, 'v1')
    const of = (build: string) => desk.db.collection<{ _id: string; n: number }>(`readModel.${name}.${build}`)
    await of('v1').insertMany(['same', 'other', 'gone'].map((id) => ({ _id: `demo/${id}`, n: 1 })))
    const feed = await started()
    await desk.untilSeen(3)
    await builds.start(name, 'v2')
    await of('v2').insertMany(['same', 'new'].map((id) => ({ _id: `demo/${id}`, n: 1 })))
    await of('v2').insertOne({ _id: 'demo/other', n: 2 })
    await builds.switchTo(name, 'v2')
    await desk.untilLike({ 'demo/same': '{"n":1}', 'demo/other': '{"n":2}', 'demo/new': '{"n":1}' })
    expect(desk.seen()).toHaveLength(6)
    await desk.untilSettled(feed)
    await of('v1').insertOne({ _id: 'demo/nobody-reads-it', n: 1 })
    await of('v2').updateOne({ _id: 'demo/same' }, { $set: { n: 7 } })
    await desk.untilLike({ 'demo/same': '{"n":7}', 'demo/other': '{"n":2}', 'demo/new': '{"n":1}' })
    expect(desk.seen().at(-1)).toMatchObject({ origin: 'change', before: '{"n":1}' })
    await untilMetric(feed, 'reconciled_total', { reason: 'other-collection' })
  })
})

describe('a switch that is taken back', () => {
  it('before a comparison with the other build has ended is compared again', async () => {
    const name = `back-${RUN}`
    desk = await FeedDesk.open(servers, topicOf(used++), { type: 'read-model', name, version: 'v1' })
    const builds = mongoBuilds(servers.mongoConnection)
    await builds.register(name, 'v1')
    const of = (build: string) => desk.db.collection<{ _id: string; n: number }>(`readModel.${name}.${build}`)
    await of('v1').insertOne({ _id: 'demo/a', n: 1 })
    const first = await started()
    await desk.untilSeen(1)
    await first.stop()
    await builds.start(name, 'v2')
    await of('v2').insertOne({ _id: 'demo/a', n: 2 })
    await builds.switchTo(name, 'v2')
    const progresses = mongoFeedProgresses(servers.mongoConnection)
    const dying = desk.start({
      progresses: { ...progresses, saveReconciled: () => Promise.reject(new Error('killed')) },
    })
    await desk.untilLike({ 'demo/a': '{"n":2}' })
    await dying.stop()
    await builds.switchTo(name, 'v1')
    const heir = await started()
    await desk.untilLike({ 'demo/a': '{"n":1}' })
    await untilMetric(heir, 'reconciled_total', { reason: 'interrupted' })
  })
})

describe('of two replicas', () => {
  it('one stands by, and takes over from one that vanishes: nothing is lost', async () => {
    await openDesk()
    const leases = { ...mongoLeases(servers.mongoConnection), release: async () => undefined }
    const first = desk.start({ leases })
    await desk.untilSettled(first)
    const second = desk.start()
    await documents().insertOne({ _id: 'a', n: 1 })
    await desk.untilSeen(1)
    await first.stop()
    expect(second.watch.state().isHeld).toBe(false)
    await documents().insertOne({ _id: 'b', n: 1 })
    await documents().deleteOne({ _id: 'a' })
    await held(second)
    await desk.untilLike(await asTold())
    expect(await metric(second, 'reconciled_total')).toEqual([])
  })

  it.each([['before it begins to send'], ['with the messages in its hands']])(
    'one that is frozen %s writes nothing behind its heir',
    async (moment) => {
      await openDesk()
      const gate = makeGate()
      const gates =
        moment === 'before it begins to send' ? { beforeBegin: gate.pass } : { beforeSend: gate.pass }
      const zombie = desk.start({
        // Frozen as a whole, it does not know that time passes.
        makeProducers: async ({ topic }) =>
          (await makeProducers(desk.kafka, topic)).map((producer) => gatedProducer(producer, gates)),
      })
      await desk.untilSettled(zombie)
      await documents().insertOne({ _id: 'a', n: 1 })
      await desk.untilSeen(1)
      await desk.untilSettled(zombie)
      gate.arm()
      await documents().updateOne({ _id: 'a' }, { $set: { n: 2 } })
      await gate.reached
      const heir = desk.start()
      await held(heir)
      await documents().updateOne({ _id: 'a' }, { $set: { n: 3 } })
      await desk.untilLike(await asTold())
      gate.open()
      await eventually(
        () => zombie.watch.state().isHeld,
        (isHeld) => !isHeld,
        { timeoutMs: 20 * LEASE_MS },
      )
      await documents().insertOne({ _id: 'end', n: 1 })
      await desk.untilLike(await asTold())
      const ofA = desk.seen().filter(({ key }) => key === '"a"')
      expect(ofA.map(({ id }) => id).toSorted()).toEqual(ofA.map(({ id }) => id))
      expect(ofA.at(-1)?.after).toBe('{"_id":"a","n":3}')
    },
  )

  it('one that is frozen with what its heir finds unchanged does not bring it back', async () => {
    await openDesk()
    const gate = makeGate()
    const zombie = desk.start({
      makeProducers: async ({ topic }) =>
        (await makeProducers(desk.kafka, topic)).map((one) => gatedProducer(one, { beforeSend: gate.pass })),
    })
    await desk.untilSettled(zombie)
    await documents().insertOne({ _id: 'a', n: 1 })
    await desk.untilSeen(1)
    await desk.untilSettled(zombie)
    gate.arm()
    await documents().updateOne({ _id: 'a' }, { $set: { n: 2 } })
    await gate.reached
    await documents().updateOne({ _id: 'a' }, { $set: { n: 1 } })
    await desk.changeProgress({ resumeToken: { _data: '82' } })
    const heir = desk.start()
    await held(heir)
    await desk.untilSettled(heir)
    gate.open()
    await documents().insertOne({ _id: 'end', n: 1 })
    await desk.untilLike(await asTold())
  })
})
