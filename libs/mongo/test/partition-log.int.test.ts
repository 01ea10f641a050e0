import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { collectionsOf } from '../src/collections.ts'
import { mongoPartitionLog, type LoggedEvent, type PartitionLog } from '../src/partition-log.ts'
import { eventIdsOf, idsOf, openLog, type TestLog } from './log-fixture.ts'
import { openDatabase, TENANT, type TestDatabase } from './mongo-fixture.ts'

let database: TestDatabase
let reader: PartitionLog
beforeAll(async () => {
  database = await openDatabase('partition-log')
  reader = mongoPartitionLog(database.connection)
})
afterAll(() => database.drop())

const open = (partitions = 1): TestLog => openLog(database.connection, partitions)
const shardOf = ({ shards }: TestLog, partition = 0) => shards[partition] ?? { topic: '', partition }

const stretchesOf = async (log: TestLog, after = 0, partition = 0): Promise<(readonly LoggedEvent[])[]> => {
  const stretches: (readonly LoggedEvent[])[] = []
  for await (const stretch of reader.read(shardOf(log, partition), after)) stretches.push(stretch)
  return stretches
}
const read = async (log: TestLog, after = 0, partition = 0): Promise<LoggedEvent[]> =>
  (await stretchesOf(log, after, partition)).flat()
const sequencesOf = (events: readonly LoggedEvent[]): number[] => events.map(({ sequence }) => sequence)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

describe('the log of a partition', () => {
  it('has its events in the order of their sequences, and no others', async () => {
    const log = open(2)
    const commits = await log.append({ order: 1, count: 2 }, { order: 2 }, { order: 3, count: 3 })
    await log.append({ partition: 1, order: 4 })
    await log.publish(2)
    const events = await read(log)
    expect(idsOf(events)).toEqual(eventIdsOf(commits))
    expect(sequencesOf(events)).toEqual(upTo(6))
    expect(await read(log, 0, 1)).toHaveLength(1)
  })

  it('gives an event with its stream, its bytes, and the timestamp of its record', async () => {
    const log = open()
    const stream = 'orders.order-logged'
    const [, second] = await log.append({ stream, count: 2 }, { stream, first: 3, order: 3 })
    await log.publish()
    const { topic, correlationId, causationId, actor } = second ?? {}
    const stored = await collectionsOf(database.connection)
      .topics.db.collection<{ _id: string; committedAt: Date }>('commits')
      .findOne({ _id: second?._id ?? '' })
    expect((await read(log)).at(-1)).toEqual({
      ...second?.events[0],
      ...{ tenant: TENANT, stream, topic, correlationId, causationId, actor, version: 3, sequence: 3 },
      committedAt: stored?.committedAt.getTime(),
    })
  })

  it('has the events of all tenants', async () => {
    const log = open()
    const stream = 'orders.order-same'
    await log.append({ stream, order: 1, tenant: 'acme' }, { stream, order: 2, tenant: 'other' })
    await log.publish()
    expect((await read(log)).map(({ tenant }) => tenant)).toEqual(['acme', 'other'])
  })

  it('is read on from any sequence: between records, inside one, and inside a commit', async () => {
    const log = open()
    await log.append({ order: 1, count: 3 }, { order: 2, count: 2 }, { order: 3, count: 4 }, { order: 4 })
    await log.publish(5)
    const all = await read(log)
    expect(all).toHaveLength(10)
    for (let after = 0; after <= 10; after++) expect(await read(log, after)).toEqual(all.slice(after))
    expect(await read(log, 11)).toEqual([])
  })

  it('comes in stretches of some records, however many there are', async () => {
    const log = open()
    const commits = await log.append(...upTo(23).map((order) => ({ order })))
    await log.publish(1)
    const stretches = await stretchesOf(log)
    expect(stretches.length).toBeGreaterThan(3)
    expect(idsOf(stretches.flat())).toEqual(eventIdsOf(commits))
    expect(sequencesOf(await read(log, 11))).toEqual(upTo(23).slice(11))
  })

  it('is empty where nothing was published', async () => {
    const log = open()
    await log.append({ order: 1 })
    expect(await read(log)).toEqual([])
  })

  it('ends before a record that is open', async () => {
    const log = open()
    await log.append({ order: 1 }, { order: 2, count: 2 }, { order: 3 })
    await log.press(0).open(1)
    expect(await read(log)).toEqual([])
    await log.press(0).finish()
    await log.press(0).open(2)
    expect(sequencesOf(await read(log))).toEqual([1])
    expect(await read(log, 1)).toEqual([])
    expect(await read(log, 2)).toEqual([])
    await log.press(0).finish()
    expect(sequencesOf(await read(log))).toEqual([1, 2, 3])
  })

  it('goes on to what is published while it is read', async () => {
    const log = open()
    await log.append({ order: 1 }, { order: 2 })
    await log.publish(1)
    const seen: number[] = []
    for await (const stretch of reader.read(shardOf(log), 0)) {
      seen.push(...sequencesOf(stretch))
      if (seen.length > 6) continue
      await log.append({ order: 10 + seen.length, count: 2 })
      await log.publish()
    }
    expect(seen).toEqual(upTo(8))
  })

  it('may be given up, and read again', async () => {
    const log = open()
    await log.append(...upTo(12).map((order) => ({ order })))
    await log.publish(1)
    for await (const stretch of reader.read(shardOf(log), 0)) if (stretch.length > 0) break
    expect(await read(log)).toHaveLength(12)
  })
})

describe('a damaged store', () => {
  const published = async (): Promise<{ log: TestLog; ids: string[] }> => {
    const log = open()
    const commits = await log.append({ order: 1 }, { order: 2 }, { order: 3 })
    await log.publish(1)
    return { log, ids: commits.map(({ _id }) => _id) }
  }

  it('that has lost a commit is not read over', async () => {
    const { log, ids } = await published()
    await database.connection.db.collection<{ _id: string }>('commits').deleteOne({ _id: ids[1] ?? '' })
    await expect(read(log)).rejects.toMatchObject({ code: 'STORE_DAMAGED', retryable: false })
    expect(sequencesOf(await read(log, 2))).toEqual([3])
  })

  it.each([1, 2])('that has lost record %d is not read over', async (n) => {
    const { log } = await published()
    await collectionsOf(database.connection).publications.deleteOne({ _id: { ...shardOf(log), n } })
    await expect(read(log)).rejects.toMatchObject({ code: 'STORE_DAMAGED', retryable: false })
    expect(sequencesOf(await read(log, 2))).toEqual([3])
  })
})
