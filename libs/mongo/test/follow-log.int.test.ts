import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { commitOf, openDatabase, type TestDatabase } from './mongo-fixture.ts'
import type { LogEvent, LogPosition } from '../src/log-reader.ts'
import { idsOf, openLog, readToEnd, type TestLog } from './log-fixture.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await openDatabase('follow-log')
})
afterAll(() => database.drop())

const PARTITIONS = 3
const TENANTS = ['a', 'b'] as const
const TYPES = ['OrderPlaced', 'OrderPaid'] as const

type Written = { readonly id: string; readonly type: string; readonly tenant: string }

/** Streams of two tenants on the same partitions, and all that was ever written to them. */
const startWriters = (log: TestLog) => {
  const written: Written[] = []
  const ends = new Map<string, { version: number; order: number }>()
  const run = randomUUID()
  return {
    written,
    /** One commit; its time is `order`, or just behind its predecessor's when that is later. */
    write: async (given: { stream: number; tenant: string; count: number; order: number }): Promise<void> => {
      const { tenant, count } = given
      const stream = `orders.order-${run}-${given.stream}`
      const end = ends.get(`${tenant}/${stream}`) ?? { version: 0, order: 0 }
      const order = Math.max(given.order, end.order + 1)
      const first = end.version + 1
      ends.set(`${tenant}/${stream}`, { version: end.version + count, order })
      const events = commitOf(stream, first, { count }).events.map((event, index) => ({
        ...event,
        type: TYPES[(first + index) % 2] ?? TYPES[0],
      }))
      const partition = given.stream % PARTITIONS
      await log.append({ stream, first, tenant, partition, order, events })
      written.push(...events.map(({ id, type }) => ({ id, type, tenant })))
    },
  }
}

/** Reads on from where it is, as a client does with its token. */
const startFollower = (log: TestLog, wanted: { tenant: string; types?: readonly string[] }) => {
  const events: LogEvent[] = []
  let position: LogPosition = {}
  return {
    wanted,
    events,
    poll: async (limits: { events: number; lookedAt?: number }): Promise<void> => {
      const page = await log.read({ ...wanted, after: position, limits })
      events.push(...page.events)
      position = page.position
    },
    finish: async (): Promise<void> => {
      const pages = await readToEnd((after) => log.read({ ...wanted, after }), position)
      events.push(...pages.flatMap((page) => page.events))
    },
  }
}
type Follower = ReturnType<typeof startFollower>

const followersOf = (log: TestLog): Follower[] =>
  TENANTS.flatMap((tenant) => [
    startFollower(log, { tenant }),
    startFollower(log, { tenant, types: ['OrderPaid'] }),
  ])

const isRising = (numbers: readonly number[]): boolean =>
  numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0))

const expectEachOnceInOrder = (written: readonly Written[], { wanted, events }: Follower): void => {
  const due = written.filter(
    ({ tenant, type }) => tenant === wanted.tenant && (wanted.types?.includes(type) ?? true),
  )
  expect(idsOf(events).toSorted()).toEqual(idsOf(due).toSorted())
  for (const [stream, own] of Map.groupBy(events, (event) => event.stream)) {
    expect([stream, isRising(own.map(({ version }) => version))]).toEqual([stream, true])
    expect([stream, isRising(own.map(({ sequence }) => sequence))]).toEqual([stream, true])
  }
}

const partition = fc.nat({ max: PARTITIONS - 1 })
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('write' as const),
      stream: fc.nat({ max: 5 }),
      tenant: fc.constantFrom(...TENANTS),
      count: fc.integer({ min: 1, max: 3 }),
      order: fc.integer({ min: 1, max: 50 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('open' as const),
      partition,
      maxEvents: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('finish' as const), partition }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('poll' as const),
      follower: fc.nat({ max: 3 }),
      events: fc.integer({ min: 1, max: 5 }),
      lookedAt: fc.integer({ min: 1, max: 12 }),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

describe('whoever follows the log gets each event once, in the order of its stream,', () => {
  it('whatever is written, published and read in whatever turn', async () => {
    const run = async (steps: readonly Step[]): Promise<void> => {
      const log = openLog(database.connection, PARTITIONS)
      const writers = startWriters(log)
      const followers = followersOf(log)
      for (const given of steps) {
        if (given.type === 'write') await writers.write(given)
        if (given.type === 'open') await log.press(given.partition).open(given.maxEvents)
        if (given.type === 'finish') await log.press(given.partition).finish()
        if (given.type === 'poll') await followers[given.follower]?.poll(given)
      }
      await log.publish()
      for (const follower of followers) {
        await follower.finish()
        expectEachOnceInOrder(writers.written, follower)
      }
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 50 }), run), { numRuns: 30 })
  })

  it('while writers write and relays publish', async () => {
    const log = openLog(database.connection, PARTITIONS)
    const writers = startWriters(log)
    const followers = followersOf(log)
    let isWriting = true
    const write = async (stream: number, tenant: string): Promise<void> => {
      for (let turn = 0; turn < 20; turn++) {
        const order = 1_000 + turn * 10 - ((stream * turn) % 7) * 9
        await writers.write({ stream, tenant, count: 1 + (turn % 3), order })
      }
    }
    const publish = async (): Promise<void> => {
      while (isWriting) await log.publish(5)
      await log.publish()
    }
    const published = publish()
    let isPublishing = true
    const follow = async (follower: Follower): Promise<void> => {
      while (isPublishing) await follower.poll({ events: 7 })
      await follower.finish()
    }
    const followed = Promise.all(followers.map(follow))
    await Promise.all(TENANTS.flatMap((tenant) => [0, 1, 2, 3, 4, 5].map((stream) => write(stream, tenant))))
    isWriting = false
    await published
    isPublishing = false
    await followed
    expect(writers.written.length).toBeGreaterThan(400)
    for (const follower of followers) expectEachOnceInOrder(writers.written, follower)
  })
})
