import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { mongoStreamSequences } from '../src/stream-sequences.ts'
import {
  appendAll,
  commitOf,
  openDatabase,
  publish,
  TENANT,
  TOPIC,
  type TestDatabase,
} from './mongo-fixture.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await openDatabase('stream-sequences')
})
afterAll(() => database.drop())

describe('the sequences of a stream', () => {
  const stream = 'orders.order-o-1'
  const sequencesOf = async (from: number, to: number, tenant = TENANT) => {
    const places = await mongoStreamSequences(database.connection).placesOf({ tenant, stream }, { from, to })
    return [...places].toSorted(([a], [b]) => a - b).map(([version, { sequence }]) => [version, sequence])
  }

  it('are those of the publications, by version; none before the relay has carried the commit', async () => {
    const own = [
      commitOf(stream, 1, { count: 2 }),
      commitOf(stream, 3, { count: 3 }),
      commitOf(stream, 6),
      commitOf(stream, 7),
    ]
    const other = commitOf('orders.order-o-2', 1, { count: 4 })
    await appendAll(database.connection, [...own, other])
    const [first, second, third] = own as [(typeof own)[number], (typeof own)[number], (typeof own)[number]]
    await publish(database.connection, [first, other, second], { n: 1, firstSequence: 1 })
    await publish(database.connection, [third], { n: 2, firstSequence: 10 })
    expect(await sequencesOf(1, 7)).toEqual([
      ...[
        [1, 1],
        [2, 2],
        [3, 7],
        [4, 8],
        [5, 9],
        [6, 10],
        [7, undefined],
      ],
    ])
    // Whole commits, also those that begin before.
    expect(await sequencesOf(4, 4)).toEqual([
      [3, 7],
      [4, 8],
      [5, 9],
    ])
    expect(await sequencesOf(4, 6)).toEqual([
      [3, 7],
      [4, 8],
      [5, 9],
      [6, 10],
    ])
    expect(await sequencesOf(1, 7, 'other')).toEqual([])
    const places = await mongoStreamSequences(database.connection).placesOf(
      { tenant: TENANT, stream },
      { from: 6, to: 6 },
    )
    expect(places.get(6)).toEqual({ topic: TOPIC, partition: 0, sequence: 10 })
  })
})
