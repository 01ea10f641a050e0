import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { connectMongo, mongoLeases, type Lease, type Leases, type MongoConnection } from '@millrace/mongo'
import { startMongoProxy, type MongoProxy } from '../src/mongo-proxy.ts'
import { eventually } from '../src/eventually.ts'

const mongoUrl = process.env['MONGO_URL'] ?? ''
const database = `test-proxy-${randomUUID().slice(0, 8)}`
const TAKE = { name: 'findAndModify', collection: 'leases' }

let direct: MongoConnection
let proxy: MongoProxy
let proxied: MongoConnection

beforeAll(async () => {
  direct = await connectMongo({ url: mongoUrl, database, clientName: 'proxy-test' })
  const { hostname, port } = new URL(mongoUrl)
  proxy = await startMongoProxy({ host: hostname, port: Number(port) })
  const url = `mongodb://${proxy.host}/?directConnection=true`
  proxied = await connectMongo({ url, database, clientName: 'proxy-test' })
})
afterAll(async () => {
  await proxied.close()
  await proxy.close()
  await direct.db.dropDatabase()
  await direct.close()
})
afterEach(() => proxy.comeBack())

const leases = (connection = proxied): Leases => mongoLeases(connection)
/** Who holds the lease, as the server knows it. */
const holderOf = async (name: string): Promise<unknown> =>
  (await direct.db.collection<{ _id: string; owner: string }>('leases').findOne({ _id: name }))?.owner

const startTake = (name: string) => {
  let lease: Lease | undefined
  const taking = leases()
    .take(name, 'a', 60_000)
    .then((taken) => (lease = taken))
  return { taking, isAnswered: () => lease !== undefined }
}

describe('a proxy before MongoDB', () => {
  it('holds a request before the server has it, while other connections go on', async () => {
    const name = randomUUID()
    const holding = proxy.hold('request', TAKE)
    const { taking } = startTake(name)
    const held = await holding
    await leases().take(`${name}-other`, 'a', 60_000)
    expect(await holderOf(name)).toBeUndefined()
    held.release()
    expect(await taking).toMatchObject({ owner: 'a' })
    expect(await holderOf(name)).toBe('a')
  })

  it('holds a reply when the server has done it, until the test lets it go', async () => {
    const name = randomUUID()
    const holding = proxy.hold('reply', TAKE)
    const { taking, isAnswered } = startTake(name)
    const held = await holding
    await leases().take(`${name}-other`, 'a', 60_000)
    expect([await holderOf(name), isAnswered()]).toEqual(['a', false])
    held.release()
    expect(await taking).toMatchObject({ owner: 'a', epoch: 1 })
  })

  it('holds only what fits, and nothing once the test has given it up', async () => {
    const givenUp = new AbortController()
    const holdings = [
      proxy.hold('request', { ...TAKE, collection: 'others' }),
      proxy.hold('request', TAKE, givenUp.signal),
    ]
    givenUp.abort()
    await leases().take(randomUUID(), 'a', 60_000)
    expect(await Promise.race([...holdings, Promise.resolve('nothing')])).toBe('nothing')
  })

  it('tells a fault in the place of the server, which is asked nothing, so many times', async () => {
    const name = randomUUID()
    const fault = { code: 1, codeName: 'InternalError', times: 2 }
    const told = proxy.fail('request', TAKE, fault)
    await expect(leases().take(name, 'a', 60_000)).rejects.toThrow('InternalError, says the test')
    await expect(leases().take(name, 'a', 60_000)).rejects.toThrow('InternalError')
    expect([told.count(), await holderOf(name)]).toEqual([2, undefined])
    expect(await leases().take(name, 'a', 60_000)).toMatchObject({ owner: 'a' })
  })

  it('tells a fault in the place of an answer, although it was done', async () => {
    const name = randomUUID()
    proxy.fail('reply', TAKE, { code: 1, codeName: 'InternalError', times: 1 })
    await expect(leases().take(name, 'a', 60_000)).rejects.toThrow('InternalError')
    expect(await holderOf(name)).toBe('a')
  })

  it('is gone when it is down, and back when it is back', async () => {
    proxy.goDown()
    await expect(leases().take(randomUUID(), 'a', 60_000)).rejects.toMatchObject({ retryable: true })
    proxy.comeBack()
    const lease = await eventually(() => leases().take(randomUUID(), 'a', 60_000), Boolean)
    expect(lease).toMatchObject({ owner: 'a' })
  })
})
