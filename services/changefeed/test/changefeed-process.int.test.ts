import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { startOwnServer, type OwnServer } from '../../../test/support/own-server.ts'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { FeedDesk } from './feed-desk.ts'

const PATIENT = { timeoutMs: 60_000 }
const TOPIC = `test-${randomUUID().slice(0, 8)}.changed`
const SETTINGS = { CHANGEFEEDS: `collection:customers=${TOPIC}`, CHANGEFEED_LEASE_MS: '1000' }

// One story told in order, on a MongoDB of its own.
describe('the changefeed, as a process of its own,', () => {
  let mongo: OwnServer
  let servers: TestServers
  let desk: FeedDesk
  let replicas: ServiceProcess[]

  beforeAll(async () => {
    mongo = await startOwnServer('mongo')
    servers = await prepareServers({ name: 'changefeed-process', mongo: mongo.url, changesTopics: [TOPIC] })
    desk = await FeedDesk.open(servers, TOPIC, { type: 'collection', name: 'customers' })
    replicas = await Promise.all([1, 2].map(() => startServiceProcess('changefeed', servers, SETTINGS)))
  })

  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.stop()))
    await desk.close()
    await servers.stop()
    await mongo.stop()
  })

  const customers = () => desk.db.collection<{ _id: string; n: number }>('customers')
  const asTold = async (): Promise<Record<string, string>> =>
    Object.fromEntries(
      (await customers().find().toArray()).map((doc) => [`millrace/"${doc._id}"`, JSON.stringify(doc)]),
    )
  const probe = async ({ admin }: ServiceProcess, path: string): Promise<number> =>
    (await fetch(new URL(path, admin))).status
  const untilStatus = (replica: ServiceProcess, path: string, wanted: number): Promise<unknown> =>
    eventually(
      () => probe(replica, path),
      (status) => status === wanted,
      PATIENT,
    )

  /** The one that holds the feed says how far behind it is. */
  const holder = (): Promise<ServiceProcess> =>
    eventually(
      async () => {
        const alive = replicas.filter((replica) => replica.isAlive())
        const texts = await Promise.all(
          alive.map(async ({ admin }) => (await fetch(new URL('/metrics', admin))).text()),
        )
        return alive.filter((_, index) => texts[index]?.includes('changefeed_lag_seconds{'))
      },
      (found) => found.length === 1,
      PATIENT,
    ).then(([only]) => only as ServiceProcess)

  it('finds a topic whose schema `millrace setup` has registered', async () => {
    const answer = await fetch(`${servers.registry}/subjects/${TOPIC}-DocumentChanged/versions`)
    expect(answer.status).toBe(200)
  })

  it('publishes by one replica, and by the other when that one is killed under load', async () => {
    const first = await holder()
    let isOver = false
    const load = (async () => {
      for (let n = 0; !isOver; n += 1) {
        const filter = { _id: `c-${n % 20}` }
        if (n % 7 === 6) await customers().deleteOne(filter)
        else await customers().updateOne(filter, { $set: { n } }, { upsert: true })
      }
    })()
    await desk.untilSeen(200)
    await first.kill()
    const heir = await holder()
    expect(heir).not.toBe(first)
    const atKill = desk.seen().length
    await desk.untilSeen(atKill + 200)
    isOver = true
    await load
    await desk.untilLike(await asTold())
  })

  it('waits while MongoDB is down, says what is missing, and loses nothing', async () => {
    const only = await holder()
    await mongo.goDown()
    await untilStatus(only, '/readyz', 503)
    expect(await probe(only, '/livez')).toBe(200)
    await mongo.comeBack()
    await untilStatus(only, '/readyz', 200)
    await customers().insertOne({ _id: 'after', n: 1 })
    await desk.untilLike(await asTold())
    expect(only.isAlive()).toBe(true)
  })

  it('says which topic is missing, and makes none', async () => {
    const topic = `test-${randomUUID()}.changed`
    const lost = await startServiceProcess('changefeed', servers, {
      ...SETTINGS,
      CHANGEFEEDS: `collection:orders=${topic}`,
    })
    try {
      const answer = await eventually(
        async () => (await fetch(new URL('/readyz', lost.admin))).text(),
        (text) => text.includes(topic),
        PATIENT,
      )
      expect(answer).toContain('run `millrace setup`')
      expect(await probe(lost, '/livez')).toBe(200)
    } finally {
      await lost.stop()
    }
  })

  it('ends with 78 for a read model that cannot be fed', async () => {
    const settings = { CHANGEFEEDS: 'revenue-by-day=revenue.changed' }
    await expect(startServiceProcess('changefeed', servers, settings)).rejects.toThrow(/code 78/)
  })
})
