import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { mongoLeases, type Leases } from '../src/leases.ts'
import { openDatabase, uniqueName, type TestDatabase } from './mongo-fixture.ts'

const LONG_MS = 600_000

let database: TestDatabase
let leases: Leases
beforeAll(async () => {
  database = await openDatabase('leases')
  leases = mongoLeases(database.connection)
})
afterAll(() => database.drop())

describe('a lease', () => {
  it('that nobody holds is given, with the first epoch', async () => {
    const name = uniqueName('lease')
    expect(await leases.take(name, 'a', LONG_MS)).toEqual({ name, owner: 'a', epoch: 1 })
  })

  it('is kept by its holder under the same epoch', async () => {
    const name = uniqueName('lease')
    const first = await leases.take(name, 'a', LONG_MS)
    expect(await leases.take(name, 'a', LONG_MS)).toEqual(first)
  })

  it('is refused to others while it is held', async () => {
    const name = uniqueName('lease')
    const held = await leases.take(name, 'a', LONG_MS)
    expect(await leases.take(name, 'b', LONG_MS)).toBeUndefined()
    expect(await leases.take(name, 'a', LONG_MS)).toEqual(held)
  })

  it('that has expired goes to whoever asks, under a higher epoch', async () => {
    const name = uniqueName('lease')
    await leases.take(name, 'a', 1)
    const taken = await eventually(() => leases.take(name, 'b', LONG_MS), Boolean)
    expect(taken).toEqual({ name, owner: 'b', epoch: 2 })
    expect(await leases.take(name, 'a', LONG_MS)).toBeUndefined()
  })

  it('that expired untaken is kept by its holder under the same epoch', async () => {
    const name = uniqueName('lease')
    await leases.take(name, 'a', -1)
    expect(await leases.take(name, 'a', LONG_MS)).toMatchObject({ owner: 'a', epoch: 1 })
  })

  it('given back is free at once, for its former holder under a new epoch too', async () => {
    const name = uniqueName('lease')
    const first = await leases.take(name, 'a', LONG_MS)
    if (first) await leases.release(first)
    const second = await leases.take(name, 'b', LONG_MS)
    expect(second).toMatchObject({ owner: 'b', epoch: 2 })
    if (second) await leases.release(second)
    expect(await leases.take(name, 'a', LONG_MS)).toMatchObject({ owner: 'a', epoch: 3 })
  })

  it('of somebody else, or of an epoch that is over, cannot be given back', async () => {
    const name = uniqueName('lease')
    const stale = await leases.take(name, 'a', -1)
    const held = await leases.take(name, 'b', LONG_MS)
    if (stale) await leases.release(stale)
    await leases.release({ name, owner: 'b', epoch: 1 })
    expect(await leases.take(name, 'c', LONG_MS)).toBeUndefined()
    expect(await leases.take(name, 'b', LONG_MS)).toEqual(held)
  })

  it('never seen before goes to exactly one of many who ask at once', async () => {
    for (let round = 0; round < 20; round++) {
      const name = uniqueName('lease')
      const owners = Array.from({ length: 16 }, (_, index) => `owner-${index}`)
      const answers = await Promise.all(owners.map((owner) => leases.take(name, owner, LONG_MS)))
      expect(answers.filter(Boolean)).toHaveLength(1)
    }
  })

  it('takes the owner at its word, also one that reads like a field', async () => {
    const name = uniqueName('lease')
    expect(await leases.take(name, '$epoch', LONG_MS)).toMatchObject({ owner: '$epoch' })
    expect(await leases.take(name, 'b', LONG_MS)).toBeUndefined()
  })
})
