import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { mongoStreamReader, type StreamQuery, type StreamReader } from '../src/stream-reader.ts'
import { queriesDuring } from './queries-during.ts'
import { appendAll, commitOf, openDatabase, TENANT, type TestDatabase } from './mongo-fixture.ts'

const LIMITS = { events: 1_000, bytes: 1e9 }
const EVENTS_PER_COMMIT = [3, 2, 1, 4]
const LAST = 10

let database: TestDatabase
let reader: StreamReader
beforeAll(async () => {
  database = await openDatabase('stream-reader')
  reader = mongoStreamReader(database.connection)
})
afterAll(() => database.drop())

/** Versions 1 to 10, in commits of three, two, one and four events. */
const writeStream = async (given: Parameters<typeof commitOf>[2] = {}) => {
  const stream = `orders.order-${randomUUID()}`
  let first = 1
  const commits = EVENTS_PER_COMMIT.map((count) => {
    const commit = commitOf(stream, first, { count, ...given })
    first += count
    return commit
  })
  await appendAll(database.connection, commits)
  return { stream, commits }
}

const read = (stream: string, query: Partial<StreamQuery> = {}) =>
  reader.read({ tenant: TENANT, stream, direction: 'forward', limits: LIMITS, ...query })
const versionsOf = (page: { readonly events: readonly { readonly version: number }[] } | undefined) =>
  page?.events.map(({ version }) => version)
const versions = Array.from({ length: LAST }, (_, index) => index + 1)

describe('a stream', () => {
  it('is read from its beginning, each event with what its commit knows', async () => {
    const { stream, commits } = await writeStream()
    const { topic, correlationId, causationId, actor } = commitOf(stream, 1)
    expect(await read(stream)).toEqual({
      events: commits
        .flatMap(({ events }) => events)
        .map((event, index) => ({
          ...event,
          ...{ stream, topic, correlationId, causationId, actor },
          version: index + 1,
        })),
      next: null,
    })
  })

  it('that was never written to does not exist, read from anywhere either way', async () => {
    const { stream } = await writeStream()
    for (const direction of ['forward', 'backward'] as const) {
      for (const from of [{}, { from: 1 }, { from: 5 }]) {
        expect(await read(`${stream}-2`, { direction, ...from })).toBeUndefined()
        expect(await read(stream, { direction, ...from, tenant: 'other' })).toBeUndefined()
      }
    }
  })

  it('goes on where a page ended, from any version, in pages of any size, inside commits too', async () => {
    const { stream } = await writeStream()
    for (const from of versions) {
      for (const events of versions) {
        const limits = { ...LIMITS, events }
        const forward = await read(stream, { from, limits })
        expect(versionsOf(forward)).toEqual(versions.slice(from - 1, from - 1 + events))
        expect(forward?.next).toBe(from + events <= LAST ? from + events : null)
        const backward = await read(stream, { from, limits, direction: 'backward' })
        expect(versionsOf(backward)).toEqual(versions.slice(Math.max(0, from - events), from).reverse())
        expect(backward?.next).toBe(from - events >= 1 ? from - events : null)
      }
    }
  })

  it('has nothing beyond its end, and backward from there is from its end', async () => {
    const { stream } = await writeStream()
    expect(await read(stream, { from: LAST + 1 })).toEqual({ events: [], next: null })
    for (const from of [{}, { from: LAST + 5 }]) {
      expect(versionsOf(await read(stream, { direction: 'backward', ...from }))).toEqual(
        versions.toReversed(),
      )
    }
  })

  it('is cut behind the event that reaches the limit of bytes, however large that is', async () => {
    const { stream } = await writeStream({ bytes: Buffer.alloc(1_000) })
    for (const [bytes, count] of [
      [1, 1],
      [1_000, 1],
      [1_001, 2],
      [4_500, 5],
    ] as const) {
      const page = await read(stream, { limits: { ...LIMITS, bytes } })
      expect(page).toMatchObject({ events: { length: count }, next: count + 1 })
      const back = await read(stream, { direction: 'backward', limits: { ...LIMITS, bytes } })
      expect(back).toMatchObject({ events: { length: count }, next: LAST - count })
    }
  })

  it('shows at once what this process has written, published or not', async () => {
    const { stream } = await writeStream()
    await appendAll(database.connection, [commitOf(stream, LAST + 1)])
    expect(versionsOf(await read(stream, { from: LAST }))).toEqual([LAST, LAST + 1])
  })

  it('is found by its index: a page costs what it gives, wherever it begins', async () => {
    const stream = `orders.order-${randomUUID()}`
    await appendAll(
      database.connection,
      Array.from({ length: 60 }, (_, index) => commitOf(stream, index + 1)),
    )
    for (const direction of ['forward', 'backward'] as const) {
      const queries = await queriesDuring(database.connection.db, () =>
        read(stream, { from: 30, direction, limits: { ...LIMITS, events: 2 } }),
      )
      expect(queries.length).toBeGreaterThan(0)
      for (const { plan } of queries) expect(plan).toMatch(/^IXSCAN .*first/)
      expect(queries.reduce((sum, { docsExamined }) => sum + docsExamined, 0)).toBeLessThanOrEqual(4)
    }
  })
})

describe('the facts of a stream', () => {
  it('tell its version, when it began and what came last', async () => {
    const { stream, commits } = await writeStream()
    const last = commits.at(-1)
    const facts = await reader.facts({ tenant: TENANT, stream })
    expect(facts).toEqual({
      version: LAST,
      firstCommitAt: expect.any(Date),
      lastCommitAt: expect.any(Date),
      lastCommitId: last?._id,
      lastEventId: last?.events.at(-1)?.id,
    })
    expect(Number(facts?.lastCommitAt)).toBeGreaterThanOrEqual(Number(facts?.firstCommitAt))
  })

  it('are none when it does not exist', async () => {
    const { stream } = await writeStream()
    expect(await reader.facts({ tenant: TENANT, stream: `${stream}-2` })).toBeUndefined()
    expect(await reader.facts({ tenant: 'other', stream })).toBeUndefined()
  })
})
