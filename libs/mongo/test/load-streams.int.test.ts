import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { mongoEventStore, type EventStore } from '../src/event-store.ts'
import { collectionsOf } from '../src/collections.ts'
import { loadStreams, type LoadLimits, type StreamTail } from '../src/load-streams.ts'
import { appendAll, commitOf, openDatabase, TENANT, type TestDatabase } from './mongo-fixture.ts'

let database: TestDatabase
let store: EventStore
beforeAll(async () => {
  database = await openDatabase('load-streams')
  store = mongoEventStore(database.connection)
})
afterAll(() => database.drop())

/** Commits of 2, 3, 1 and 4 events, whose order is a thousand times their first version. */
const freshStream = async (): Promise<{ tenant: string; stream: string }> => {
  const stream = `orders.order-${randomUUID()}`
  const sizes = [
    [1, 2],
    [3, 3],
    [6, 1],
    [7, 4],
  ] as const
  await appendAll(
    database.connection,
    sizes.map(([first, count]) => commitOf(stream, first, { count, order: first * 1_000 })),
  )
  return { tenant: TENANT, stream }
}

const versionsOf = async (tail: StreamTail): Promise<number[]> =>
  (await store.load(tail)).events.map(({ version }) => version)

describe('the tail of a stream', () => {
  it('begins behind a version and tells its last commit', async () => {
    const stream = await freshStream()
    const tail = await store.load({ ...stream, after: 5 })
    expect(tail.events.map(({ version }) => version)).toEqual([6, 7, 8, 9, 10])
    expect(tail).toMatchObject({ version: 10, order: 7_000, lastCommitFirst: 7, isComplete: true })
  })

  it('is empty, at the version that was named, when nothing lies behind it', async () => {
    const stream = await freshStream()
    const nothing = { order: 0, lastCommitId: undefined, lastCommitFirst: 0, events: [], isComplete: true }
    expect(await store.load({ ...stream, after: 10 })).toEqual({ version: 10, ...nothing })
  })

  it('ends with the commit that reaches a version, or the last one up to an order', async () => {
    const stream = await freshStream()
    expect(await versionsOf({ ...stream, upTo: { version: 4 } })).toEqual([1, 2, 3, 4, 5])
    expect(await versionsOf({ ...stream, upTo: { version: 5 } })).toEqual([1, 2, 3, 4, 5])
    expect(await versionsOf({ ...stream, after: 2, upTo: { version: 6 } })).toEqual([3, 4, 5, 6])
    expect(await versionsOf({ ...stream, upTo: { order: 5_999 } })).toEqual([1, 2, 3, 4, 5])
    expect(await versionsOf({ ...stream, upTo: { order: 6_000 } })).toEqual([1, 2, 3, 4, 5, 6])
    expect(await versionsOf({ ...stream, upTo: { order: 999 } })).toEqual([])
  })

  it('is each caller’s own, also when several ask for the same stream together', async () => {
    const stream = await freshStream()
    const answers = await Promise.all([
      versionsOf({ ...stream, after: 6 }),
      versionsOf(stream),
      versionsOf({ ...stream, upTo: { version: 2 } }),
      versionsOf({ ...stream, after: 10 }),
    ])
    expect(answers).toEqual([[7, 8, 9, 10], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [1, 2], []])
  })
})

describe('tails that are read together', () => {
  const NO_LIMITS: LoadLimits = { commits: 1_000, events: 1_000, bytes: 1e9 }
  const load = (tails: readonly StreamTail[], limits: Partial<LoadLimits>) =>
    database.connection.inCausalSession((session) =>
      loadStreams({ commits: collectionsOf(database.connection).commits, session }, tails, {
        ...NO_LIMITS,
        ...limits,
      }),
    )
  const twoStreams = async (): Promise<StreamTail[]> =>
    (await Promise.all([freshStream(), freshStream()])).toSorted((a, b) => (a.stream < b.stream ? -1 : 1))

  it.each<[string, Partial<LoadLimits>]>([
    ['commits', { commits: 3 }],
    ['events', { events: 6 }],
    ['bytes', { bytes: 150 }],
  ])('end within the limit of %s, and say which of them do not', async (_, limits) => {
    const tail = await freshStream()
    const [page] = await load([tail], limits)
    expect(page?.isComplete).toBe(false)
    expect(page?.events.length).toBeLessThan(10)
    const [rest] = await load([{ ...tail, after: page?.version ?? 0 }], {})
    expect([...(page?.events ?? []), ...(rest?.events ?? [])].map(({ version }) => version)).toEqual(
      Array.from({ length: 10 }, (_event, index) => index + 1),
    )
  })

  it('do not starve: the first one that found no room is read alone', async () => {
    const tails = await twoStreams()
    const loaded = await load(tails, { commits: 2 })
    expect(loaded.map(({ events, isComplete }) => [events.length, isComplete])).toEqual([
      [5, false],
      [5, false],
    ])
  })

  it('of streams before the last one that was seen are complete', async () => {
    const tails = await twoStreams()
    const loaded = await load(tails, { commits: 6 })
    expect(loaded.map(({ isComplete }) => isComplete)).toEqual([true, false])
  })
})
