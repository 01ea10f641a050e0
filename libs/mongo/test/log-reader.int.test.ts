import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { LogPage } from '../src/log-reader.ts'
import { topicIncarnations } from '../src/topics.ts'
import { eventIdsOf, idsOf, makePress, openLog, readToEnd, type TestLog } from './log-fixture.ts'
import { openDatabase, type TestDatabase } from './mongo-fixture.ts'
import { queriesDuring } from './queries-during.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await openDatabase('log-reader')
})
afterAll(() => database.drop())

const open = (partitions = 1): TestLog => openLog(database.connection, partitions)
const place = (log: TestLog, partition = 0): string => `${log.shards[partition]?.topic}/${partition}`
const sequencesOf = ({ events }: LogPage): number[] => events.map(({ sequence }) => sequence)

describe('the log', () => {
  it('without events is at its end at the beginning', async () => {
    const log = open(2)
    expect(await log.read()).toEqual({
      events: [],
      position: { [place(log, 0)]: 0, [place(log, 1)]: 0 },
      isAtEnd: true,
    })
  })

  it('numbers the events of a partition in the order of publication', async () => {
    const log = open()
    const commits = await log.append({ order: 1, count: 2 }, { order: 2 }, { order: 3, count: 3 })
    await log.publish(2)
    const page = await log.read()
    expect(idsOf(page.events)).toEqual(eventIdsOf(commits))
    expect(sequencesOf(page)).toEqual([1, 2, 3, 4, 5, 6])
    expect(page).toMatchObject({ position: { [place(log)]: 6 }, isAtEnd: true })
  })

  it('gives an event with its stream, its version in it and its bytes', async () => {
    const log = open()
    const stream = 'orders.order-whole'
    const [, second] = await log.append({ stream, count: 2 }, { stream, first: 3, order: 3 })
    await log.publish()
    const { events } = await log.read()
    expect(events.map(({ version }) => version)).toEqual([1, 2, 3])
    const { topic, correlationId, causationId, actor } = second ?? {}
    expect(events.at(-1)).toEqual({
      ...second?.events[0],
      ...{ stream, topic, correlationId, causationId, actor, version: 3, partition: 0, sequence: 3 },
    })
  })

  it('ends at the last record that is done', async () => {
    const log = open()
    const commits = await log.append({ order: 1 }, { order: 2 }, { order: 3 })
    const seen = async (): Promise<string[]> => idsOf((await log.read()).events)
    expect(await seen()).toEqual([])
    await log.press(0).open(2)
    expect(await log.read()).toMatchObject({ events: [], isAtEnd: true, position: { [place(log)]: 0 } })
    await log.press(0).finish()
    expect(await seen()).toEqual(eventIdsOf(commits.slice(0, 2)))
    await log.press(0).open()
    expect(await seen()).toEqual(eventIdsOf(commits.slice(0, 2)))
    await log.press(0).finish()
    expect(await seen()).toEqual(eventIdsOf(commits))
  })

  it('has a commit that was made early and published late behind what was published before', async () => {
    const log = open(2)
    const early = await log.append({ order: 100, partition: 0 }, { order: 200, partition: 1 })
    await log.publish()
    const { events, position } = await log.read()
    expect(idsOf(events)).toEqual(eventIdsOf(early))
    const late = await log.append({ order: 50, partition: 0 }, { order: 60, partition: 1 })
    await log.publish()
    expect(idsOf((await log.read({ after: position })).events)).toEqual(eventIdsOf(late))
    for (const partitions of log.shards.map((shard) => [shard])) {
      const found = await log.read({ partitions })
      expect(found.events.map(({ sequence }) => sequence)).toEqual([1, 2])
      expect(idsOf(found.events)).toEqual(
        eventIdsOf([...early, ...late].filter((commit) => commit.partition === partitions[0]?.partition)),
      )
    }
  })

  it('keeps what was done once while its topic is made anew, and shows nothing of it twice', async () => {
    const log = open()
    await log.append({ order: 1 }, { order: 2 })
    await log.publish(1)
    const before = await log.read()
    expect(sequencesOf(before)).toEqual([1, 2])
    await log.append({ order: 3 })
    const open3 = await log.press(0).open()

    await topicIncarnations(database.connection).beforeCreate(log.shards[0]?.topic ?? '', 1)
    expect(await log.read()).toEqual(before)
    const shard = log.shards[0]
    if (!shard || !open3) throw new Error('no shard')
    await makePress(database.connection, shard, 2).finish()
    expect(sequencesOf(await log.read({ after: before.position }))).toEqual([3])
  })
})

describe('a position', () => {
  it('may lie inside a commit', async () => {
    const log = open()
    const commits = await log.append({ order: 1, count: 3 }, { order: 2, count: 3 })
    await log.publish()
    const ids = eventIdsOf(commits)
    for (let passed = 0; passed <= ids.length; passed++) {
      const page = await log.read({ after: { [place(log)]: passed }, limits: { events: 2 } })
      expect(idsOf(page.events)).toEqual(ids.slice(passed, passed + 2))
      expect(page.position).toEqual({ [place(log)]: Math.min(passed + 2, ids.length) })
      expect(page.isAtEnd).toBe(passed + 2 >= ids.length)
    }
  })

  it('moves past what does not match, so that nothing is looked at twice', async () => {
    const log = open()
    await log.append({ order: 1, tenant: 'other' }, { order: 2 }, { order: 3, tenant: 'other', count: 2 })
    await log.publish()
    const page = await log.read()
    expect(sequencesOf(page)).toEqual([2])
    expect(page.position).toEqual({ [place(log)]: 4 })
    expect(await log.read({ after: page.position })).toMatchObject({ events: [], position: page.position })
  })

  it('beyond the end stays where it is: a new primary may not know yet what the former one told', async () => {
    const log = open()
    await log.append({ order: 1 })
    await log.publish()
    const after = { [place(log)]: 7 }
    expect(await log.read({ after })).toEqual({ events: [], position: after, isAtEnd: true })
  })

  it('keeps its places in partitions that are not read', async () => {
    const log = open()
    const after = { 'another/3': 5 }
    expect((await log.read({ after })).position).toEqual({ ...after, [place(log)]: 0 })
  })
})

describe('a reader', () => {
  it('of one tenant gets nothing of another in the same records', async () => {
    const log = open()
    const commits = await log.append(
      ...Array.from({ length: 20 }, (_, index) => ({ order: index + 1, tenant: index % 3 ? 'a' : 'b' })),
    )
    await log.publish(7)
    for (const tenant of ['a', 'b', 'c']) {
      const { events } = await log.read({ tenant })
      expect(idsOf(events)).toEqual(eventIdsOf(commits.filter((commit) => commit.tenant === tenant)))
    }
  })

  it('of some types gets those, also from among others in one commit', async () => {
    const log = open()
    const [commit] = await log.append({
      events: ['OrderPlaced', 'OrderPaid', 'OrderShipped', 'OrderPaid'].map((type, index) => ({
        id: `${place(open())}-${index}`,
        type,
        occurredAt: 1,
        bytes: Buffer.from([index]),
      })),
    })
    await log.append({ order: 2 })
    await log.publish()
    const page = await log.read({ types: ['OrderPaid', 'OrderShipped'] })
    expect(idsOf(page.events)).toEqual(idsOf(commit?.events.slice(1) ?? []))
    expect(page.events.map(({ version, sequence }) => [version, sequence])).toEqual([
      [2, 2],
      [3, 3],
      [4, 4],
    ])
    expect(page.position).toEqual({ [place(log)]: 5 })
  })

  it('is given no more bytes than asked for, but for the last event', async () => {
    const log = open(2)
    await log.append(
      ...Array.from({ length: 6 }, (_, index) => ({
        order: index + 1,
        partition: index % 2,
        bytes: Buffer.alloc(1_000),
      })),
    )
    await log.publish()
    for (const [bytes, count] of [
      [1, 1],
      [1_000, 1],
      [2_500, 3],
    ] as const) {
      const page = await log.read({ limits: { bytes } })
      expect(page).toMatchObject({ events: { length: count }, isAtEnd: false })
    }
  })

  it('gets partitions merged by time, the lower one first at the same time', async () => {
    const log = open(3)
    const at = (order: number, partition: number) => ({ order, partition })
    const [b1, c1, a2, b2, a1] = await log.append(at(1, 1), at(1, 2), at(3, 0), at(3, 1), at(2, 0))
    await log.publish()
    expect(idsOf((await log.read()).events)).toEqual(
      [b1, c1, a1, a2, b2].flatMap((commit) => idsOf(commit?.events ?? [])),
    )
  })

  it('gets the same order in pages of any size, however little is looked at for one', async () => {
    const log = open(3)
    const times = [5, 900, 3, 3, 250, 4, 4, 4, 800, 1, 2, 700, 9, 10, 11, 12]
    for (const [index, order] of times.entries()) {
      await log.append({ order, partition: index % 3, count: 1 + (index % 4) })
      if (index % 5 === 0) await log.publish()
    }
    await log.publish()
    const whole = idsOf((await log.read()).events)
    expect(whole).toHaveLength(times.reduce((sum, _, index) => sum + 1 + (index % 4), 0))
    for (const events of [1, 2, 7, 1_000]) {
      for (const lookedAt of [1, 5, 1_000]) {
        const pages = await readToEnd((after) => log.read({ after, limits: { events, lookedAt } }))
        expect(pages.flatMap((page) => idsOf(page.events))).toEqual(whole)
        for (const page of pages) expect(page.events.length).toBeLessThanOrEqual(events)
      }
    }
  })

  it('that looks for what is rare comes as far as it may in one read, and says how far', async () => {
    const log = open(2)
    await log.append(
      ...Array.from({ length: 200 }, (_, index) => ({
        order: index + 1,
        partition: index % 2,
        tenant: 'other',
      })),
    )
    await log.append({ order: 500, partition: 1 })
    await log.publish(30)
    const first = await log.read({ limits: { events: 1, lookedAt: 60 } })
    expect(first).toEqual({
      events: [],
      position: { [place(log, 0)]: 30, [place(log, 1)]: 30 },
      isAtEnd: false,
    })
    const pages = await readToEnd((after) => log.read({ after, limits: { events: 1, lookedAt: 60 } }))
    expect(pages.flatMap(sequencesOf)).toEqual([101])
    expect(pages.length).toBeLessThanOrEqual(5)
  })

  it('that follows costs next to nothing while nothing comes, however long the log is', async () => {
    const log = open(4)
    for (const partition of [0, 1, 2, 3]) {
      await log.append(...Array.from({ length: 40 }, (_, index) => ({ order: index + 1, partition })))
      await log.press(partition).publish(2)
    }
    const { position } = await log.read()
    const queries = await queriesDuring(database.connection.db, async () => {
      expect((await log.read({ after: position })).events).toEqual([])
    })
    expect(queries).toMatchObject([{ plan: expect.stringMatching(/^IXSCAN .*firstSequence/) }])
    expect(queries[0]?.docsExamined).toBeLessThanOrEqual(4)
  })
})
