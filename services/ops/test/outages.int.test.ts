import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { eventually, startMongoProxy, type MongoProxy } from '@millrace/testkit'
import { httpClient, type HttpAnswer, type HttpClient } from '../../../test/support/http-client.ts'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'

const PATIENT = { timeoutMs: 60_000 }
const STATE = '/projections/order-summary/state'

/** Nobody listens there, and nobody will. */
const CLOSED = '127.0.0.1:1'

let servers: TestServers
beforeAll(async () => {
  servers = await prepareServers({ name: 'ops-outages' })
})
afterAll(() => servers.stop())

const post = (client: HttpClient, path: string, body: object = {}): Promise<HttpAnswer> =>
  client.send({
    ...{ method: 'POST', path, body: JSON.stringify(body) },
    headers: { 'content-type': 'application/json' },
  })

const expectAway = ({ status, headers, text }: HttpAnswer): void =>
  expect([status, headers['retry-after'], text]).toEqual([503, expect.stringMatching(/^\d+$/), text])

const checksOf = async ({ admin }: ServiceProcess): Promise<number> => {
  const text = await (await fetch(`${admin}/metrics`)).text()
  const counts = [...text.matchAll(/^millrace_projection_checks_total\{.*result="equal".*\} (\d+)$/gm)]
  return counts.reduce((sum, [, count]) => sum + Number(count), 0)
}

describe('while MongoDB is away', () => {
  let proxy: MongoProxy
  let service: ServiceProcess
  let client: HttpClient
  beforeAll(async () => {
    const url = new URL(servers.mongo)
    proxy = await startMongoProxy({ host: url.hostname, port: Number(url.port) })
    url.host = proxy.host
    url.searchParams.delete('replicaSet')
    url.searchParams.set('directConnection', 'true')
    url.searchParams.set('serverSelectionTimeoutMS', '2000')
    service = await startServiceProcess('ops', { ...servers, mongo: url.href }, { CHECK_EVERY_MS: '50' })
    client = httpClient(service.url)
  })
  afterAll(async () => {
    await client.close()
    await service.stop()
    await proxy.close()
    await endLostTransactions()
  })

  /** A check that was in the middle of one when its connection ended would keep the database for a minute. */
  const endLostTransactions = async (): Promise<void> => {
    const admin = servers.mongoConnection.client.db('admin')
    const ofOps = { appName: 'ops', 'transaction.timeInactiveMicros': { $gt: 1_000_000 } }
    const lost = await admin
      .aggregate<{ lsid: { id: unknown } }>([{ $currentOp: { idleSessions: true } }, { $match: ofOps }], {
        readConcern: { level: 'local' },
      })
      .toArray()
    if (lost.length > 0) await admin.command({ killSessions: lost.map(({ lsid }) => ({ id: lsid.id })) })
  }

  it('ops says so, and goes on when it is back: routes and checks', async () => {
    await eventually(
      () => checksOf(service),
      (checks) => checks > 0,
      PATIENT,
    )
    const begun = await post(client, '/projections/order-summary/verify', { full: true })
    proxy.goDown()
    expect(begun.status).toBe(202)
    // Each is answered when the driver has given up looking, so they are asked together.
    const answers = await Promise.all([
      ...['/projections', STATE].map((path) => client.send({ path })),
      ...['rebuild', 'pause', 'rollback'].map((action) =>
        post(client, `/projections/order-summary/${action}`),
      ),
    ])
    answers.forEach(expectAway)
    proxy.comeBack()
    await eventually(
      () => client.send({ path: '/projections' }),
      ({ status }) => status === 200,
      PATIENT,
    )
    const before = await checksOf(service)
    await eventually(
      () => checksOf(service),
      (checks) => checks > before,
      PATIENT,
    )
    expect(service.isAlive()).toBe(true)
    expect(service.log().filter(({ msg }) => /uncaught|unhandled/.test(msg ?? ''))).toEqual([])
  })
})

describe('while Kafka is away', () => {
  let service: ServiceProcess
  let client: HttpClient
  beforeAll(async () => {
    service = await startServiceProcess('ops', { ...servers, kafka: CLOSED }, { CHECK_EVERY_MS: '50' })
    client = httpClient(service.url)
  })
  afterAll(async () => {
    await client.close()
    await service.stop()
  })

  it('ops does what it can without, and says 503 to the rest', async () => {
    const expectDone = async (action: string, status: number) =>
      expect([action, (await post(client, `/projections/order-history/${action}`)).status]).toEqual([
        action,
        status,
      ])
    const state = client.send({ path: STATE })
    await expectDone('pause', 200)
    await expectDone('resume', 200)
    await expectDone('verify', 202)
    await expectDone('rebuild', 202)
    const comparison = post(client, '/projections/order-history/compare')
    for (const answer of await Promise.all([state, comparison])) expectAway(answer)
    await eventually(
      () => checksOf(service),
      (checks) => checks > 0,
      PATIENT,
    )
    expect(service.isAlive()).toBe(true)
  })

  it('a build that is dropped leaves the list, and its data goes when Kafka is back', async () => {
    const path = '/projections/order-history/drop'
    const documents = servers.mongoConnection.db.collection('readModel.order-history.v1.1')
    await documents.insertOne({ a: 1 })
    expectAway(await post(client, path, { build: 'v1.1' }))
    expect(await documents.countDocuments()).toBe(1)
    const other = await startServiceProcess('ops', servers, { CHECK_EVERY_MS: '0' })
    const otherClient = httpClient(other.url)
    try {
      expect((await post(otherClient, path, { build: 'v1.1' })).status).toBe(200)
      expect(await documents.countDocuments()).toBe(0)
    } finally {
      await otherClient.close()
      await other.stop()
    }
  })
})
