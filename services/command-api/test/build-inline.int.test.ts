// Inline read models that come to a store with commits. A store of before the read model is made by taking away its
// documents, and the record that it was built.

import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { MAX_OPEN_ORDERS } from '@millrace/domain'
import { connectCodec, topics } from '@millrace/events'
import { mongoEventStore, mongoPresences, topicIncarnations } from '@millrace/mongo'
import { eventually, startMongoProxy, type HeldMessage, type MongoProxy } from '@millrace/testkit'
import fc from 'fast-check'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { startSetup, type SetupProcess } from '../../../test/support/setup-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { openCommandDesk, PLACE, type CommandDesk } from './command-desk.ts'

const MODEL = 'open-orders.v1'
const DOCUMENTS = `readModel.${MODEL}`
const MUCH = 'c-much'
const AT_ONCE = 256

let servers: TestServers
let desk: CommandDesk
let proxy: MongoProxy
beforeAll(async () => {
  servers = await prepareServers({ name: 'build-inline' })
  const codec = await connectCodec({ registryUrl: servers.registry })
  desk = await openCommandDesk(mongoEventStore(servers.mongoConnection), codec)
  await inParallel(MAX_OPEN_ORDERS, () => place(desk.newOrder(), MUCH))
  await ownTheTopics()
  const { hostname, port } = new URL(servers.mongo)
  proxy = await startMongoProxy({ host: hostname, port: Number(port) })
})
afterAll(async () => {
  await proxy.close()
  await servers.stop()
})
beforeEach(() => servers.setUp())
afterEach(async () => {
  await Promise.all(started.splice(0).map((service) => service.stop()))
})

/** Other stores use them too: nothing of this one goes there, and `millrace setup` is told that they are its own. */
const ownTheTopics = async (): Promise<void> => {
  await collection('commits').updateMany({}, { $unset: { pending: 1 } })
  for (const { name, partitions } of Object.values(topics))
    await topicIncarnations(servers.mongoConnection).beforeCreate(name, partitions)
}

const collection = (name: string) => servers.mongoConnection.db.collection<{ _id: string }>(name)
const built = collection.bind(undefined, 'inlineReadModels')
const presences = collection.bind(undefined, 'presences')

const place = (id: string, customerId: string) => desk.send('place', id, { body: { ...PLACE, customerId } })

const inParallel = async (count: number, work: (index: number) => Promise<unknown>): Promise<void> => {
  let next = 0
  const run = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, run))
}

type Asked = { readonly order: number; readonly customer: number; readonly name: string }

const readDocuments = () => collection(DOCUMENTS).find().sort({ _id: 1 }).toArray()

/** As a store that is older than the read model; gives the documents as the commits have left them. */
const forget = async () => {
  const live = await readDocuments()
  await collection(DOCUMENTS).drop()
  await built().deleteMany({})
  return live
}

/** A setup that is about to write documents, for the n-th time. */
const holdSetup = async (n: number): Promise<{ setup: SetupProcess; message: HeldMessage }> => {
  const hold = () => proxy.hold('request', { name: 'update', collection: DOCUMENTS })
  let holding = hold()
  const setup = startSetup({ ...servers, mongo: `mongodb://${proxy.host}/?directConnection=true` })
  const ended = setup.ended.then(({ code, stderr }) => {
    throw new Error(`setup ended with ${code}: ${stderr}`)
  })
  for (;;) {
    const message = await Promise.race([holding, ended])
    if (--n === 0) {
      ended.catch(() => undefined)
      return { setup, message }
    }
    holding = hold()
    message.release()
  }
}

const started: ServiceProcess[] = []
const startCommandApi = async (): Promise<ServiceProcess> => {
  const service = await startServiceProcess('command-api', servers)
  started.push(service)
  return service
}

describe('millrace setup', () => {
  it('has nothing to build in a store without commits, and records that', async () => {
    const fresh = await prepareServers({ name: 'build-inline-fresh' })
    try {
      const found = await fresh.mongoConnection.db.collection('inlineReadModels').find().toArray()
      expect(found).toEqual([{ _id: MODEL, builtAt: expect.any(Date) }])
    } finally {
      await fresh.stop()
    }
  })

  it('builds the documents that the commits would have left, after any commands', async () => {
    const anyCommand = fc.record({
      order: fc.nat(7),
      customer: fc.nat(2),
      name: fc.constantFrom('place', 'pay', 'ship', 'deliver', 'cancel', 'return'),
    })
    const sameAsLive = async (commands: readonly Asked[]): Promise<void> => {
      const run = randomUUID()
      for (const { order, customer, name } of commands) {
        const id = `${run}-${order}`
        await (name === 'place' ? place(id, `${run}-${customer}`) : desk.send(name, id))
      }
      const live = await forget()
      await servers.setUp()
      expect(await readDocuments()).toEqual(live)
    }
    const anyCommands = fc.array(anyCommand, { minLength: 20, maxLength: 60 })
    await fc.assert(fc.asyncProperty(anyCommands, sameAsLive), { numRuns: 4, endOnFailure: true })
  })

  it('lets rules see what was there before', async () => {
    await forget()
    const { code, stdout } = await startSetup(servers).ended
    expect([code, stdout]).toEqual([0, expect.stringContaining(`1 inline read models built: ${MODEL}`)])
    expect(await place(desk.newOrder(), MUCH)).toMatchObject({
      type: 'rejected',
      rejection: 'too-many-open-orders',
    })
    expect(await place(desk.newOrder(), 'c-other')).toMatchObject({ type: 'accepted' })
  })

  it('leaves alone what is built', async () => {
    const live = await readDocuments()
    const [record] = await built().find().toArray()
    await collection(DOCUMENTS).deleteMany({})
    await servers.setUp()
    expect(await readDocuments()).toEqual([])
    expect(await built().find().toArray()).toEqual([record])
    await collection(DOCUMENTS).insertMany(live)
  })

  it('begins anew after it was killed in the middle', async () => {
    const live = await forget()
    const { setup, message } = await holdSetup(2)
    await setup.kill()
    message.cut()
    expect(await readDocuments()).not.toEqual(live)
    expect(await readDocuments()).not.toEqual([])
    expect(await built().find().toArray()).toEqual([])
    await presences().updateMany({}, { $set: { expiresAt: new Date(0) } })
    await servers.setUp()
    expect(await readDocuments()).toEqual(live)
  })

  it('records nothing when it was taken to be gone', async () => {
    await forget()
    const { setup, message } = await holdSetup(1)
    await presences().deleteMany({})
    message.release()
    expect(await setup.ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/no sign of life/) })
    expect(await built().find().toArray()).toEqual([])
  })

  it('builds nothing while a command-api is at work, and says what to do', async () => {
    const service = await startCommandApi()
    const live = await forget()
    const { code, stderr } = await startSetup(servers).ended
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/open-orders\.v1.*command-api on .*Stop command-api/),
    ])
    expect(await built().find().toArray()).toEqual([])
    expect(await service.stop()).toBe(0)
    await servers.setUp()
    expect(await readDocuments()).toEqual(live)
  })

  it('forgets a read model that the code no longer keeps up to date', async () => {
    await built().insertOne({ _id: 'former.v1' })
    await servers.setUp()
    expect(await built().distinct('_id')).toEqual([MODEL])
  })
})

describe('command-api', () => {
  it('ends with 78 while an inline read model is not built, and names it', async () => {
    await forget()
    await expect(startCommandApi()).rejects.toThrow(
      /code 78.*open-orders\.v1 is not built: run `millrace setup`/,
    )
    expect(await presences().countDocuments()).toBe(0)
  })

  it('ends with 78 when the store has an inline read model that it would leave behind', async () => {
    await built().insertOne({ _id: 'later.v1' })
    await expect(startCommandApi()).rejects.toThrow(/code 78.*later\.v1, which this version does not know/)
  })

  it('ends with 78 while setup builds, which goes on undisturbed', async () => {
    const live = await forget()
    const { setup, message } = await holdSetup(1)
    await expect(startCommandApi()).rejects.toThrow(/code 78.*millrace setup on .* is building/)
    message.release()
    expect((await setup.ended).code).toBe(0)
    expect(await readDocuments()).toEqual(live)
    const service = await startCommandApi()
    expect(await service.stop()).toBe(0)
  })

  it('ends when it was frozen and setup took it to be gone', async () => {
    const service = await startCommandApi()
    service.freeze()
    await presences().updateMany({}, { $set: { expiresAt: new Date(0) } })
    const builder = await mongoPresences(servers.mongoConnection).enter({
      role: 'builder',
      name: 'setup',
      onLost: () => undefined,
    })
    expect(await mongoPresences(servers.mongoConnection).othersAlive(builder, ['writer'])).toEqual([])
    await builder.leave()
    service.thaw()
    await eventually(
      () => service.isAlive(),
      (isAlive) => !isAlive,
      { timeoutMs: 30_000 },
    )
    expect(service.log().some(({ msg }) => msg === 'service cannot go on')).toBe(true)
  })
})
