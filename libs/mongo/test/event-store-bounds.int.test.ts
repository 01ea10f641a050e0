import { randomUUID } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { InlineChange } from '../src/index.ts'
import type { MongoConnection } from '../src/connect-mongo.ts'
import { mongoEventStore } from '../src/event-store.ts'
import { commitOf, openDatabase, type TestDatabase } from './mongo-fixture.ts'

const COMMIT_BYTES = 900 * 1024
const GROUP_BYTES = 8 * 1024 * 1024
const WAITING_BYTES = 64 * 1024 * 1024

const bytes = Buffer.alloc(COMMIT_BYTES)
const inline: readonly InlineChange[] = [
  { projection: 'test.v1', id: 'demo/1', change: (fields) => ({ type: 'changed', fields }) },
]

let database: TestDatabase
/** Nothing comes back from this server. */
let hanging: MongoConnection
beforeAll(async () => {
  database = await openDatabase('event-store-bounds')
  hanging = { ...database.connection, inCausalSession: () => new Promise(() => undefined) }
})
afterAll(() => database.drop())

describe.each([
  ['plain', []],
  ['inline', inline],
])('large commits, %s', (_, changes) => {
  it('wait up to 64 MiB behind a group of 8 MiB; above it they are refused at once', async () => {
    const store = mongoEventStore(hanging)
    /** How many of a hundred are taken. */
    const appendMany = async (): Promise<number> => {
      const refused: unknown[] = []
      for (let number = 0; number < 100; number++)
        store
          .append(commitOf(`orders.order-${randomUUID()}`, 1, { bytes }), changes)
          .catch((error: unknown) => refused.push(error))
      await nextTurn()
      expect(refused).toEqual(refused.map(() => expect.objectContaining({ code: 'STORE_BUSY' })))
      return 100 - refused.length
    }
    // All of one turn wait; then a group goes, and as many can wait again.
    expect(await appendMany()).toBe(Math.floor(WAITING_BYTES / COMMIT_BYTES))
    expect(await appendMany()).toBe(Math.floor(GROUP_BYTES / COMMIT_BYTES))
    expect(await appendMany()).toBe(0)
  })
})
