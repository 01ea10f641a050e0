import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { LEASE_MS, type PointerLease } from '../src/build-pointer.ts'
import { mongoBuilds, type BuildRegistry } from '../src/build-registry.ts'
import { mongoProjectionStore } from '../src/projection-store.ts'
import { openDatabase, TENANT, TOPIC, uniqueName, type TestDatabase } from './mongo-fixture.ts'

let database: TestDatabase
let registry: BuildRegistry
beforeAll(async () => {
  database = await openDatabase('builds')
  registry = mongoBuilds(database.connection)
})
afterAll(() => database.drop())

let name: string
beforeEach(async () => {
  name = uniqueName('orders')
  await registry.register(name, 'v1')
})

const names = async (): Promise<string[]> =>
  (await registry.read(name))?.builds.map((build) => build.name) ?? []

describe('a projection', () => {
  it('serves its first version, and registering it again changes nothing', async () => {
    expect(await registry.register(name, 'v2')).toMatchObject({ served: 'v1', previous: null })
    expect(await names()).toEqual(['v1'])
  })

  it('is built again under a name that was never used', async () => {
    expect(await registry.start(name, 'v1')).toMatchObject({ name: 'v1.1', version: 'v1' })
    await registry.retire(name, 'v1.1')
    expect(await registry.start(name, 'v1')).toMatchObject({ name: 'v1.2' })
    await registry.retire(name, 'v1.2')
    expect(await registry.start(name, 'v2')).toMatchObject({ name: 'v2', version: 'v2' })
  })

  it('has one build under way at a time, whoever asks', async () => {
    const started = await Promise.allSettled([registry.start(name, 'v1'), registry.start(name, 'v2')])
    expect(started.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await expect(registry.start(name, 'v3')).rejects.toMatchObject({ code: 'BUILD_UNDER_WAY' })
    expect(await names()).toHaveLength(2)
  })

  it('has the one under way served once somebody wants its version served, and no other', async () => {
    await registry.start(name, 'v2')
    const wanted = { isToBeServed: true } as const
    await expect(registry.start(name, 'v1', wanted)).rejects.toMatchObject({ code: 'BUILD_UNDER_WAY' })
    expect(await registry.start(name, 'v2', wanted)).toMatchObject({ name: 'v2', ...wanted })
    expect((await registry.read(name))?.builds).toMatchObject([{ name: 'v1' }, { name: 'v2', ...wanted }])
  })

  it('keeps the way back until it is dropped, and may be built again meanwhile', async () => {
    await registry.start(name, 'v2')
    await registry.switchTo(name, 'v2')
    expect(await registry.read(name)).toMatchObject({ served: 'v2', previous: 'v1' })
    await registry.start(name, 'v2')
    expect(await names()).toEqual(['v1', 'v2', 'v2.1'])
    await registry.switchTo(name, 'v1')
    expect(await registry.read(name)).toMatchObject({ served: 'v1', previous: 'v2' })
    await registry.retire(name, 'v2')
    expect(await registry.read(name)).toMatchObject({ previous: null })
  })

  it('has one way back: a switch retires the build that it led to before', async () => {
    await registry.start(name, 'v2')
    await registry.switchTo(name, 'v2')
    expect((await registry.read(name))?.retired).toEqual([])
    await registry.start(name, 'v3')
    await registry.switchTo(name, 'v3')
    expect(await names()).toEqual(['v2', 'v3'])
    expect((await registry.read(name))?.retired).toMatchObject([{ name: 'v1', at: expect.any(Date) }])
    await registry.switchTo(name, 'v2')
    expect(await registry.read(name)).toMatchObject({ served: 'v2', previous: 'v3' })
    expect(await names()).toEqual(['v2', 'v3'])
  })

  it('remembers what was retired until it is forgotten', async () => {
    await registry.start(name, 'v1')
    for (let times = 0; times < 2; times++) await registry.retire(name, 'v1.1')
    const retired = async () => (await registry.read(name))?.retired.map((build) => build.name)
    expect(await retired()).toEqual(['v1.1'])
    await registry.forget(name, 'v1.1')
    expect(await retired()).toEqual([])
  })

  it('does not lose what readers get, and is not switched to what is not there', async () => {
    await expect(registry.retire(name, 'v1')).rejects.toMatchObject({ code: 'BUILD_SERVED' })
    await expect(registry.switchTo(name, 'v7')).rejects.toMatchObject({ code: 'BUILD_UNKNOWN' })
    await expect(registry.lease('nobody')).rejects.toMatchObject({ code: 'BUILD_UNKNOWN' })
  })
})

describe('the pointer', () => {
  /** What some readers answer from, lease after lease, until they are told to end. */
  const reading = (readers: number) => {
    const seen: { served: string; atMs: number }[] = []
    let isOver = false
    const read = async (): Promise<void> => {
      let lease: PointerLease | undefined
      while (!isOver) {
        lease = lease?.isValid() ? lease : await registry.lease(name)
        await new Promise((resolve) => setImmediate(resolve))
        if (lease.isValid()) seen.push({ served: lease.served, atMs: performance.now() })
      }
    }
    const done = Promise.all(Array.from({ length: readers }, read))
    return {
      until: (build: string) =>
        eventually(
          () => seen.at(-1)?.served,
          (served) => served === build,
        ),
      stop: async () => {
        isOver = true
        await done
        return seen
      },
    }
  }

  it('never shows one reader the old build after another has seen the new one', async () => {
    await registry.start(name, 'v2')
    const readers = reading(4)
    await readers.until('v1')
    await registry.switchTo(name, 'v2')
    await readers.until('v2')
    await registry.switchTo(name, 'v1')
    await readers.until('v1')
    const seen = (await readers.stop()).toSorted((a, b) => a.atMs - b.atMs).map(({ served }) => served)
    const changes = seen.filter((served, index) => served !== seen[index - 1])
    expect(changes).toEqual(['v1', 'v2', 'v1'])
  })

  it('is not held longer than a second by a reader that has gone', async () => {
    await registry.start(name, 'v2')
    await registry.lease(name)
    const startedAt = performance.now()
    await registry.switchTo(name, 'v2')
    expect(performance.now() - startedAt).toBeLessThan(LEASE_MS * 4)
    expect((await registry.lease(name)).served).toBe('v2')
  })

  it('is not moved from where somebody else has moved it', async () => {
    await registry.start(name, 'v2')
    await expect(registry.switchTo(name, 'v2', 'v0')).rejects.toMatchObject({ code: 'BUILD_SWITCHING' })
    await registry.switchTo(name, 'v2', 'v1')
    await registry.switchTo(name, 'v2', 'v1')
    expect(await registry.read(name)).toMatchObject({ served: 'v2', previous: 'v1' })
  })

  it('is moved by the next switcher when one died on its way, and nobody reads', async () => {
    await registry.start(name, 'v2')
    await database.connection.db
      .collection('builds')
      .updateOne({ _id: name as never }, { $set: { switchingTo: 'v2' } })
    await registry.switchTo(name, 'v1')
    expect(await registry.read(name)).toMatchObject({ served: 'v1', previous: 'v2', switchingTo: null })
  })

  it('is moved by a reader when the switcher died on its way', async () => {
    await registry.start(name, 'v2')
    await database.connection.db
      .collection('builds')
      .updateOne({ _id: name as never }, [
        { $set: { switchingTo: 'v2', leasedUntil: { $add: ['$$NOW', 200] } } },
      ])
    expect((await registry.lease(name)).served).toBe('v2')
  })
})

describe('the data of a build', () => {
  it('goes with it, and with no other', async () => {
    const store = mongoProjectionStore(database.connection)
    const to = { nextOffset: 1, lastSequence: 1, lastId: 'e', lastTs: 1, watermark: 1 }
    const writes = [{ id: `${TENANT}/o-1`, tenant: TENANT, sequence: 1, fields: { n: 1 } }]
    for (const build of ['v1', 'v1.1']) {
      const id = { projection: `${name}.${build}`, topic: TOPIC, partition: 0 }
      const from = await store.claim(id, { owner: 'a', incarnation: 1 })
      await store.commit(id, { from, to, writes })
    }
    await registry.deleteData(name, 'v1')
    const left = async (build: string) => {
      const projection = `${name}.${build}`
      const found = await store.find(projection, [{ tenant: TENANT, id: `${TENANT}/o-1` }])
      return [found.size, (await store.read({ projection, topic: TOPIC, partition: 0 })) !== undefined]
    }
    expect([await left('v1'), await left('v1.1')]).toEqual([
      [0, false],
      [1, true],
    ])
  })
})
