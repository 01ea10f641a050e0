import { afterAll, beforeAll, expect, it } from '@jest/globals'
import type { CommandStartedEvent, Timestamp } from 'mongodb'
import { mongoEventStore } from '../src/event-store.ts'
import { mongoLeases } from '../src/leases.ts'
import { mongoProjectionStore } from '../src/projection-store.ts'
import { mongoPublications } from '../src/publications.ts'
import {
  commitOf,
  mongoUrl,
  openDatabase,
  publish,
  TENANT,
  TOPIC,
  type TestDatabase,
} from './mongo-fixture.ts'

let database: TestDatabase
const reads: { name: string; afterClusterTime: Timestamp | undefined }[] = []
beforeAll(async () => {
  const url = new URL(mongoUrl)
  url.searchParams.set('monitorCommands', 'true')
  database = await openDatabase('causal', url.href)
  database.connection.client.on('commandStarted', ({ commandName, command }: CommandStartedEvent) => {
    const { readConcern } = command as { readConcern?: { afterClusterTime?: Timestamp } }
    if (commandName === 'find')
      reads.push({ name: commandName, afterClusterTime: readConcern?.afterClusterTime })
  })
})
afterAll(() => database.drop())

/** Server time of everything this connection has seen so far. */
const seen = (): Promise<Timestamp | undefined> =>
  database.connection.inCausalSession((session) => Promise.resolve(session.operationTime))

// On one server a majority read is fresh anyway; what saves us on a new primary is that each read says after what.
it.each([
  [
    'load after append',
    async () => {
      const store = mongoEventStore(database.connection)
      await store.append(commitOf('s', 1))
      return () => store.load({ tenant: TENANT, stream: 's' })
    },
  ],
  [
    'find after commit',
    async () => {
      const store = mongoProjectionStore(database.connection)
      const id = { projection: 'p.v1', topic: TOPIC, partition: 0 }
      const from = await store.claim(id, { owner: 'a', incarnation: 1 })
      await store.commit(id, {
        from,
        to: { nextOffset: 1, lastSequence: 1, lastId: 'e', lastTs: 1, watermark: null },
        writes: [],
      })
      return () => store.find('p.v1', [{ tenant: 'demo', id: 'demo/o-1' }])
    },
  ],
  [
    'plan after finish',
    async () => {
      await publish(database.connection, [], { n: 1, firstSequence: 1 })
      return () =>
        mongoPublications(database.connection).sweep(
          { topic: TOPIC, partition: 0 },
          { maxEvents: 1, maxBytes: 1 },
          () => Promise.resolve(true),
        )
    },
  ],
  [
    'first unfinished after the lease',
    async () => {
      await mongoLeases(database.connection).take('relay', 'a', 60_000)
      return () => mongoPublications(database.connection).firstUnfinished({ topic: TOPIC, partition: 0 }, 1)
    },
  ],
])('%s reads what is at least as new', async (_, write) => {
  const read = await write()
  const writtenAt = await seen()
  reads.length = 0
  await read()
  expect(writtenAt).toBeDefined()
  expect(reads.map(({ afterClusterTime }) => afterClusterTime?.greaterThanOrEqual(writtenAt ?? 0))).toEqual([
    true,
  ])
})
