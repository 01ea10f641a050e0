import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { collectionsOf, type Collections } from '../src/collections.ts'
import { mongoPresences, type Presence, type Presences, type Role } from '../src/presences.ts'
import { openDatabase, type TestDatabase } from './mongo-fixture.ts'

const BOTH: readonly Role[] = ['writer', 'builder']
const HALF_A_LIFE_MS = 15_000

let database: TestDatabase
let presences: Presences
let documents: Collections['presences']
beforeAll(async () => {
  database = await openDatabase('presences')
  presences = mongoPresences(database.connection)
  documents = collectionsOf(database.connection).presences
})
afterAll(() => database.drop())

const present: Presence[] = []
afterEach(async () => {
  jest.restoreAllMocks()
  await Promise.all(present.splice(0).map((presence) => presence.leave()))
})

const enter = async (role: Role, name: string, onLost: (error: unknown) => void = () => undefined) => {
  const presence = await presences.enter({ role, name, onLost })
  present.push(presence)
  return presence
}

/** Of whom a sign of life is waited for. */
const enterLively = async (role: Role, name: string) => {
  const lively = mongoPresences(database.connection, { renewEveryMs: 200 })
  const presence = await lively.enter({ role, name, onLost: () => undefined })
  present.push(presence)
  return presence
}

/** As if it had given no sign of life for half a minute. */
const expire = async ({ id }: Presence): Promise<void> => {
  await documents.updateOne({ _id: id }, { $set: { expiresAt: new Date(0) } })
}

describe('a presence', () => {
  it('is seen by the others, by role, until it leaves', async () => {
    const own = await enter('builder', 'setup')
    const writer = await presences.enter({ role: 'writer', name: 'api', onLost: () => undefined })
    await enter('builder', 'other setup')
    expect(await presences.others(own, BOTH)).toEqual(['api', 'other setup'])
    expect(await presences.others(own, ['writer'])).toEqual(['api'])
    await writer.leave()
    expect(await presences.others(own, ['writer'])).toEqual([])
  })

  it('is seen by at least one of two that enter at the same time', async () => {
    const seen = await Promise.all(
      [1, 2].map(async (n) => presences.others(await enter('builder', `setup ${n}`), BOTH)),
    )
    expect(seen.flat()).not.toEqual([])
  })

  it('is renewed as long as it lasts', async () => {
    const { id } = await enterLively('writer', 'api')
    const read = () => documents.findOne({ _id: id })
    const first = await read()
    const later = await eventually(read, (found) => Number(found?.expiresAt) > Number(first?.expiresAt))
    expect(later?.name).toBe('api')
  })

  it('that has expired is no hindrance, and its process finds out', async () => {
    const onLost = jest.fn()
    const ghost = await enter('writer', 'ghost', onLost)
    await expire(ghost)
    expect(await presences.others(await enter('builder', 'setup'), BOTH)).toEqual([])
    const told = await eventually(
      () => onLost.mock.calls,
      ({ length }) => length > 0,
    )
    expect(told).toEqual([[expect.objectContaining({ code: 'STORE_PRESENCE_LOST', retryable: false })]])
  })

  it('that expired in an outage and was missed by nobody goes on', async () => {
    const presence = await enterLively('writer', 'api')
    await expire(presence)
    const read = () => documents.findOne({ _id: presence.id })
    await eventually(read, (found) => Number(found?.expiresAt) > 0)
    await presence.confirm()
  })

  it('is not asked for at each confirmation, and after half of its life it is', async () => {
    const ghost = await enter('writer', 'ghost')
    await documents.deleteOne({ _id: ghost.id })
    await ghost.confirm()
    const now = performance.now.bind(performance)
    jest.spyOn(performance, 'now').mockImplementation(() => now() + HALF_A_LIFE_MS)
    await expect(ghost.confirm()).rejects.toMatchObject({ code: 'STORE_PRESENCE_LOST' })
  })
})

describe('whoever wants to be alone', () => {
  it('hears of a process as soon as that gives a sign of life', async () => {
    await enterLively('writer', 'api')
    expect(await presences.othersAlive(await enter('builder', 'setup'), BOTH)).toEqual(['api'])
  })

  it('waits for one that gives none, until its presence has expired', async () => {
    const expiresAt = new Date(Date.now() + 700)
    await documents.insertOne({ _id: 'killed', role: 'writer', name: 'killed', expiresAt })
    expect(await presences.othersAlive(await enter('builder', 'setup'), BOTH)).toEqual([])
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAt.getTime())
    expect(await documents.findOne({ _id: 'killed' })).toBeNull()
  })
})
